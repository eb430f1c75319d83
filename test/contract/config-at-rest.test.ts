import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { App } from '../../controller/domain/apps.ts';
import { DEFAULT_ENV, start } from '../../shared/kit/exec.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { revealAll, sealAll } from '../../shared/kit/sensitive.ts';
import {
  addPlanted,
  openConfigState,
  PLANTED,
  PLANTED_BUILDPACK,
  PLANTED_CERTIFICATE,
  PLANTED_OUTPUT,
} from '../support/config-state.ts';
import { addApp, newRelease, noChange } from '../support/store-fixtures.ts';

const CHILD = join(import.meta.dirname, '../support/config-key-rotation.ts');
/** Where a rotation, and the start that resumes it, can be killed. */
const STAGES = ['configKey.added', 'configValues.encrypted', 'configValues.scrubbed', 'configKey.retired'];
const ROUNDS = Number(process.env['SLIPWAY_CRASH_ROUNDS'] ?? '1');

describe('config values at rest', () => {
  let root: string;
  let dir: string;
  before(async () => (root = await mkdtemp(join(tmpdir(), 'slipway-at-rest-'))));
  after(() => rm(root, { recursive: true }));
  beforeEach(() => (dir = join(root, randomId())));

  const database = (): string => join(dir, 'slipway.db');

  /** The planted values that a file of the state folder has in clear text. */
  async function found(): Promise<readonly string[]> {
    const files = await readdir(dir);
    assert.ok(files.includes('slipway.db'));
    const texts = await Promise.all(files.map(async (name) => (await readFile(join(dir, name))).toString('latin1')));
    return Object.values(PLANTED).filter((value) => texts.some((text) => text.includes(value)));
  }

  /** Writes the values as an older version of Slipway wrote them, some of them also into pages that are free now. */
  function writeClearText(): void {
    const old = new Database(database());
    old.pragma('secure_delete = OFF');
    const setVar = old.prepare('update config_vars set value = ?, key_id = null where name = ?');
    for (const [name, value] of Object.entries(PLANTED)) setVar.run(value, name);
    old.exec('create table gone (text text)');
    for (const value of Object.values(PLANTED)) old.prepare('insert into gone values (?)').run(value.repeat(100));
    old.exec('drop table gone');
    old.prepare('update releases set config = ?, config_key_id = null').run(JSON.stringify(PLANTED));
    old.prepare('update output_chunks set text = ?, key_id = null').run(PLANTED_OUTPUT);
    old
      .prepare('update build_settings set buildpacks = ?, buildpacks_key_id = null')
      .run(JSON.stringify([PLANTED_BUILDPACK]));
    old.exec('update controller set clear_text = 1');
    old.close();
  }

  it('are in no file of the database, also after releases, builds and events grew', async () => {
    await using state = await openConfigState(dir);
    const { store } = state;
    const { app } = await addPlanted(store);
    assert.deepEqual(await found(), []);
    for (let round = 0; round < 30; round += 1) {
      const build = await store.createBuild({ appId: app.id, userId: app.ownerId, commit: 'c'.repeat(40) });
      await store.setBuildState(build.id, 'running');
      await store.setBuildState(build.id, 'succeeded');
      const { version } = await store.createRelease(newRelease(app, { config: sealAll(PLANTED), buildId: build.id }));
      await store.beginRollout(app.id, version, noChange);
      await store.completeRollout(app.id, version, noChange);
      await store.setConfig(app.id, { ROUND: String(round), PLANTED_1: PLANTED['PLANTED_1'] }, app.ownerId);
    }
    await store.setConfig(app.id, { PLANTED_2: undefined }, app.ownerId);
    assert.deepEqual(await found(), []);
    assert.deepEqual(revealAll((await store.currentRelease(app.id))?.config ?? {}), PLANTED);
  });

  it('of an older version are encrypted at the next start, and leave no clear text in free pages', async () => {
    const app = await plant();
    writeClearText();
    assert.equal((await found()).length, 50);
    await using state = await openConfigState(dir);
    assert.deepEqual(await found(), []);
    assert.equal((await state.store.configKeyUse()).clearText, false);
    assert.deepEqual(revealAll(await state.store.config(app.id)), PLANTED);
    assert.deepEqual(revealAll((await state.store.release(app.id, 1))?.config ?? {}), PLANTED);
  });

  for (const stage of ['configValues.encrypted', 'configValues.scrubbed']) {
    it(`of an older version are encrypted after a kill -9 at ${stage}`, async () => {
      const app = await plant();
      writeClearText();
      assert.equal(await killedAt(stage), 'SIGKILL');
      await checkAll(app);
    });
  }

  for (const stage of STAGES) {
    it(`survive a rotation of the key that is killed at ${stage}`, async () => {
      const app = await plant();
      for (let round = 0; round < ROUNDS; round += 1) {
        assert.equal(await killedAt(stage), 'SIGKILL');
        await checkAll(app);
      }
    });
  }

  it('have a key after a first start that was killed when the key was made', async () => {
    assert.equal(await killedAt('configKey.made'), 'SIGKILL');
    await checkAll(await plant());
  });

  it('of long outputs are encrypted in transactions of at most 1 MiB', async () => {
    await using state = await openConfigState(dir);
    const { app } = await addPlanted(state.store);
    const raw = new Database(database());
    const add = raw.prepare('insert into output_chunks (app_id, version, bytes, text) values (?, 1, ?, ?)');
    for (const bytes of [2_000_000, 600_000, 300_000, 600_000]) add.run(app.id, bytes, 'x'.repeat(bytes));
    raw.close();
    const counts = [];
    for (let some = -1; some !== 0; counts.push(some)) some = await state.store.encryptSome();
    assert.deepEqual(counts, [1, 2, 1, 0]);
    assert.equal((await state.store.releaseOutput(app.id, 1))?.length, PLANTED_OUTPUT.length + 3_500_000);
  });

  it('cannot be copied to another app', async () => {
    await using state = await openConfigState(dir);
    const { app } = await addPlanted(state.store);
    const other = await addApp(state.store, app.ownerId, 'other');
    const raw = new Database(database());
    raw
      .prepare('insert into config_vars (app_id, name, value, key_id) select ?, name, value, key_id from config_vars')
      .run(other.id);
    raw.close();
    await assert.rejects(state.store.config(other.id), { code: 'SLIP_CONFIG_DECRYPT' });
    assert.deepEqual(revealAll(await state.store.config(app.id)), PLANTED);
  });

  async function plant(): Promise<App> {
    await using state = await openConfigState(dir);
    return (await addPlanted(state.store)).app;
  }

  async function killedAt(stage: string): Promise<NodeJS.Signals | null> {
    const env = { ...DEFAULT_ENV, SLIPWAY_FAILPOINTS: `${stage}=kill` };
    const child = start({ file: process.execPath, args: [CHILD, dir], env }, ['ignore', 'inherit', 'inherit']);
    await once(child, 'exit');
    return child.signalCode;
  }

  async function checkAll(app: App): Promise<void> {
    await using state = await openConfigState(dir);
    assert.deepEqual(revealAll(await state.store.config(app.id)), PLANTED);
    assert.deepEqual(revealAll((await state.store.release(app.id, 1))?.config ?? {}), PLANTED);
    assert.equal(await state.store.releaseOutput(app.id, 1), PLANTED_OUTPUT);
    assert.deepEqual((await state.store.buildSettings(app.id)).buildpacks, [PLANTED_BUILDPACK]);
    const files = await state.store.certificateFiles(PLANTED_CERTIFICATE);
    assert.equal(files?.keyPem.reveal(), PLANTED['PLANTED_5']);
    assert.equal((await state.store.configKeyUse()).needed.length, 1);
    assert.deepEqual(await found(), []);
  }
});
