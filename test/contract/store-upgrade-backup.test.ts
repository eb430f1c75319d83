import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { openStore, undoUpgrade } from '../../controller/store/open-store.ts';
import type { Store } from '../../controller/store/port.ts';
import { SCHEMA_VERSION } from '../../controller/store/sqlite/migrate.ts';
import { initial } from '../../controller/store/sqlite/migrations/0001-initial.ts';
import { placement } from '../../controller/store/sqlite/migrations/0002-placement.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addUser, TEST_KEYRING } from '../support/store-fixtures.ts';

/** 'SLIP' */
const APPLICATION_ID = 0x534c4950;

describe('the copy of the database before an upgrade', () => {
  let root: string;
  let path: string;
  before(async () => (root = await mkdtemp(join(tmpdir(), 'slipway-upgrade-'))));
  after(() => rm(root, { recursive: true }));
  beforeEach(async () => {
    path = join(root, randomId(), 'slipway.db');
    await mkdir(dirname(path));
  });

  const copy = (): string => `${path}.before-upgrade`;
  const open = (): Promise<Store> => openStore({ path, clock: systemClock, randomId, keyring: TEST_KEYRING });

  function write(file: string, { version, user }: { readonly version: 1 | 2; readonly user: string }): void {
    const old = new Database(file);
    old.pragma(`application_id = ${String(APPLICATION_ID)}`);
    for (const step of [initial, placement].slice(0, version)) old.exec(step);
    old.prepare("insert into users (id, name, admin, created_at_ms) values ('useruseruser', ?, 1, 1)").run(user);
    old.pragma(`user_version = ${String(version)}`);
    old.close();
  }

  function read(file: string): { readonly version: number; readonly users: readonly unknown[] } {
    const database = new Database(file, { readonly: true });
    const users = database.prepare('select name from users order by name').pluck().all();
    const version = Number(database.pragma('user_version', { simple: true }));
    database.close();
    return { version, users };
  }

  it('is made before the migration, and only its owner can read it', async () => {
    write(path, { version: 1, user: 'ada' });
    await (await open()).close();
    assert.deepEqual(read(copy()), { version: 1, users: ['ada'] });
    assert.equal((await stat(copy())).mode & 0o777, 0o600);
    assert.equal(read(path).version, SCHEMA_VERSION);
  });

  it('is not made when nothing is migrated', async () => {
    await (await open()).close();
    await (await open()).close();
    assert.deepEqual(
      (await readdir(dirname(path))).filter((name) => name.includes('upgrade')),
      [],
    );
  });

  it('comes back when the controller accepted no work, and the upgraded database is kept', async () => {
    write(path, { version: 1, user: 'ada' });
    const store = await open();
    await addUser(store, 'eve');
    await assert.rejects(undoUpgrade(path), { code: 'SLIP_STORE_LOCKED' });
    await store.close();
    assert.equal(await undoUpgrade(path), true);
    assert.deepEqual(read(path), { version: 1, users: ['ada'] });
    assert.deepEqual(read(`${path}.failed-upgrade`), { version: SCHEMA_VERSION, users: ['ada', 'eve'] });
    assert.ok(!(await readdir(dirname(path))).includes('slipway.db-wal'));
    assert.equal(await undoUpgrade(path), false);
  });

  it('does not come back after the controller accepted work, and is kept for the operator', async () => {
    write(path, { version: 1, user: 'ada' });
    const store = await open();
    await store.acceptUpgrade();
    await addUser(store, 'eve');
    await store.close();
    assert.equal(await undoUpgrade(path), false);
    assert.deepEqual(read(path), { version: SCHEMA_VERSION, users: ['ada', 'eve'] });
    const [kept = ''] = await readdir(join(dirname(path), 'backups'));
    assert.match(kept, /^schema-1-/);
    assert.deepEqual(read(join(dirname(path), 'backups', kept)).users, ['ada']);
  });

  it('stays the one of before the upgrade when a start fails after a part of the migrations', async () => {
    write(copy(), { version: 1, user: 'ada' });
    write(path, { version: 2, user: 'ada' });
    await (await open()).close();
    assert.equal(read(copy()).version, 1);
  });

  it('is made again when the older version has worked since', async () => {
    write(copy(), { version: 1, user: 'ada' });
    write(path, { version: 1, user: 'eve' });
    assert.equal(await undoUpgrade(path), false);
    await (await open()).close();
    assert.deepEqual(read(copy()).users, ['eve']);
  });

  it('is needed: without it nothing is migrated', async () => {
    write(path, { version: 1, user: 'ada' });
    await mkdir(`${copy()}.new`);
    await assert.rejects(open());
    assert.equal(read(path).version, 1);
  });

  it('is one of three that are kept, and is removed at the next start if its config values are not encrypted', async () => {
    const folder = join(dirname(path), 'backups');
    await mkdir(folder);
    for (const day of [1, 2, 3, 4])
      await writeFile(
        join(folder, `schema-${String(SCHEMA_VERSION + 10 - day)}-2026-01-0${String(day)}T10-00-00.000Z.db`),
        'x',
      );
    await writeFile(join(folder, 'mine.db'), 'x');
    write(path, { version: 1, user: 'ada' });
    const store = await open();
    await store.acceptUpgrade();
    const kept = (await readdir(folder)).sort();
    assert.deepEqual(kept.slice(0, 1), ['mine.db']);
    assert.deepEqual(
      kept.slice(1).map((name) => name.split('-')[1]),
      ['1', String(SCHEMA_VERSION + 6), String(SCHEMA_VERSION + 7)],
    );
    await store.acceptUpgrade();
    assert.deepEqual(
      (await readdir(folder)).sort().map((name) => name.split('-')[1]),
      [undefined, String(SCHEMA_VERSION + 6), String(SCHEMA_VERSION + 7)],
    );
    await store.close();
  });
});
