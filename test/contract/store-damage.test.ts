import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { openStore } from '../../controller/store/open-store.ts';
import type { Store } from '../../controller/store/port.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addUser, newRelease, TEST_KEYRING } from '../support/store-fixtures.ts';

describe('a damaged database', () => {
  let dir: string;
  let whole: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-damage-'));
    whole = join(dir, 'whole', 'slipway.db');
    const store = await open(whole);
    const app = await addApp(store, (await addUser(store)).id);
    for (let made = 0; made < 60; made += 1) await store.createRelease(newRelease(app));
    await store.close();
  });
  after(() => rm(dir, { recursive: true }));

  const open = (path: string): Promise<Store> =>
    openStore({ path, clock: systemClock, randomId, keyring: TEST_KEYRING });

  /** A copy of a whole state folder, damaged by `hurt`. */
  async function copy(hurt: (path: string) => Promise<void>): Promise<string> {
    const folder = join(dir, randomId());
    await mkdir(folder);
    for (const file of await readdir(join(dir, 'whole'))) await copyFile(join(dir, 'whole', file), join(folder, file));
    const path = join(folder, 'slipway.db');
    await hurt(path);
    return path;
  }

  async function assertRefused(path: string, code: string): Promise<void> {
    const bytes = await readFile(path).catch(() => undefined);
    await assert.rejects(open(path), (error) => {
      assert.ok(error instanceof SlipwayError, String(error));
      assert.equal(error.code, code);
      assert.ok(error.message.includes(path), error.message);
      assert.ok(error.hint !== undefined);
      return true;
    });
    assert.deepEqual(await readFile(path).catch(() => undefined), bytes, 'the file was touched');
  }

  it('is refused when it is empty', async () => {
    await assertRefused(await copy((path) => truncate(path, 0)), 'SLIP_STORE_DAMAGED');
  });

  it('is refused when half of it is missing', async () => {
    await assertRefused(
      await copy(async (path) => truncate(path, (await readFile(path)).length / 2)),
      'SLIP_STORE_DAMAGED',
    );
  });

  it('is refused when it is no database at all', async () => {
    await assertRefused(await copy((path) => writeFile(path, 'x'.repeat(9000))), 'SLIP_STORE_DAMAGED');
  });

  it('is refused when its pages are overwritten, wherever that is', async () => {
    for (const part of [0.2, 0.4, 0.6, 0.8]) {
      const path = await copy(async (at) => {
        const bytes = await readFile(at);
        const page = Math.floor((bytes.length * part) / 4096) * 4096;
        await writeFile(at, bytes.fill(0xff, page, page + 4096));
      });
      await assertRefused(path, 'SLIP_STORE_DAMAGED');
    }
  });

  it('is not replaced by a new one when it is missing', async () => {
    await assertRefused(await copy((path) => rm(path)), 'SLIP_STORE_MISSING');
  });

  it('is refused when a newer Slipway wrote it', async () => {
    await assertRefused(await copy((path) => setPragma(path, 'user_version = 99')), 'SLIP_STORE_NEWER');
  });

  it("is refused when it is another program's", async () => {
    await assertRefused(await copy((path) => setPragma(path, 'application_id = 7')), 'SLIP_STORE_FOREIGN');
  });

  it('opens again when the backup is put back', async () => {
    const path = await copy((at) => truncate(at, 0));
    await assertRefused(path, 'SLIP_STORE_DAMAGED');
    await copyFile(whole, path);
    await (await open(path)).close();
  });

  async function setPragma(path: string, pragma: string): Promise<void> {
    const database = new Database(path);
    database.pragma(pragma);
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
  }
});
