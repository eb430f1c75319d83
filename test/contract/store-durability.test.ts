import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { openStore } from '../../controller/store/open-store.ts';
import type { Store } from '../../controller/store/port.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { DEFAULT_ENV, run, runOk, start } from '../../shared/kit/exec.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addUser, newRelease, TEST_KEYRING } from '../support/store-fixtures.ts';

type ChildProcess = ReturnType<typeof start>;

const WRITER = join(import.meta.dirname, '../support/store-writer.ts');

describe('store durability', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-durability-'));
  });
  after(() => rm(dir, { recursive: true }));

  const open = (path: string): Promise<Store> =>
    openStore({ path, clock: systemClock, randomId, keyring: TEST_KEYRING });

  it('has every acknowledged release after kill -9 in the middle of writing, five lives long', async () => {
    const path = join(dir, 'killed', 'slipway.db');
    let acknowledged = 0;
    for (let life = 0; life < 5; life += 1) {
      acknowledged = await writeUntilKilled(path, acknowledged, 10 + life * 7);
      assert.deepEqual(integrity(path), 'ok');
      await using store = await disposable(open(path));
      const releases = await store.releases((await store.appByName(parseAppName('hello')))!.id, 10_000);
      const versions = releases.map((release) => release.version);
      assert.ok(versions[0]! >= acknowledged, `v${acknowledged} was acknowledged, v${versions[0]!} is the latest`);
      assert.deepEqual(
        versions,
        Array.from({ length: versions[0]! }, (_, index) => versions[0]! - index),
      );
    }
  });

  it('refuses a second controller on the folder, naming the first, and lets it in after a kill -9', async () => {
    const path = join(dir, 'locked', 'slipway.db');
    const child = startWriter(path);
    await firstLine(child);
    await assert.rejects(open(path), {
      code: 'SLIP_STORE_LOCKED',
      message: new RegExp(`already running .*pid ${child.pid!}\\)`),
    });
    await kill(child);
    await (await open(path)).close();
  });

  it('keeps the database from other users of the machine', async () => {
    const path = join(dir, 'modes', 'slipway.db');
    await using store = await disposable(open(path));
    await addUser(store);
    for (const file of [path, `${path}-wal`]) assert.equal((await stat(file)).mode & 0o077, 0, file);
    assert.equal((await stat(join(dir, 'modes'))).mode & 0o077, 0);
  });

  it('waits for a lock of another program, and says so when it never comes', async () => {
    const path = join(dir, 'busy', 'slipway.db');
    let pace = 20;
    const hasty = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * pace };
    await using store = await disposable(openStore({ path, clock: hasty, randomId, keyring: TEST_KEYRING }));
    const other = new Database(path);
    other.exec('begin immediate');
    await assert.rejects(addUser(store, 'late'), { code: 'SLIP_STORE_BUSY', kind: 'transient' });
    pace = 1;
    const patient = addUser(store, 'patient');
    await new Promise((resolve) => setImmediate(resolve));
    other.close();
    await patient;
  });

  it('reports a full disk, loses nothing, and continues when space is free', async () => {
    const mount = join(dir, 'small');
    await mkdir(mount);
    await runOk(run, { file: 'mount', args: ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount] });
    try {
      await using store = await disposable(open(join(mount, 'slipway.db')));
      const app = await addApp(store, (await addUser(store)).id);
      const made = await fillUp(store, app.id);
      assert.equal((await store.releases(app.id, 10_000)).length, made);
      await runOk(run, { file: 'mount', args: ['-o', 'remount,size=16m', mount] });
      assert.equal((await store.createRelease(newRelease(app))).version, made + 1);
    } finally {
      await runOk(run, { file: 'umount', args: [mount] });
    }
  });

  async function fillUp(store: Store, appId: string): Promise<number> {
    const app = (await store.appByName(parseAppName('hello')))!;
    assert.equal(app.id, appId);
    for (let made = 0; made < 5_000; made += 1) {
      try {
        await store.createRelease(newRelease(app, { description: 'x'.repeat(20_000) }));
      } catch (error) {
        assert.ok(error instanceof SlipwayError && error.code === 'SLIP_DISK_FULL', String(error));
        return made;
      }
    }
    return assert.fail('the disk never filled up');
  }
});

async function writeUntilKilled(path: string, from: number, count: number): Promise<number> {
  const child = startWriter(path);
  let last = from;
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line !== 'ready') last = Number(line);
    if (last >= from + count && child.exitCode === null) child.kill('SIGKILL');
  }
  await kill(child);
  return last;
}

function startWriter(path: string): ChildProcess {
  return start({ file: process.execPath, args: [WRITER, path], env: DEFAULT_ENV }, ['ignore', 'pipe', 'inherit']);
}

async function firstLine(child: ChildProcess): Promise<void> {
  await once(child.stdout!, 'data');
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function integrity(path: string): unknown {
  const database = new Database(path, { readonly: true });
  try {
    return database.pragma('integrity_check', { simple: true });
  } finally {
    database.close();
  }
}

async function disposable(opening: Promise<Store>): Promise<Store & AsyncDisposable> {
  const store = await opening;
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}
