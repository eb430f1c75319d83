import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { KEY_CREDENTIAL } from '../../../../controller/secrets/key-file.ts';
import { parseKeyFile } from '../../../../controller/secrets/keyring.ts';
import type { App } from '../../../../controller/domain/apps.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import { revealAll } from '../../../../shared/kit/sensitive.ts';
import { addPlanted, openConfigState, type ConfigState } from '../../../support/config-state.ts';

const STAGES = ['configKey.added', 'configValues.encrypted', 'configValues.scrubbed', 'configKey.retired'];

describe('the keys of the config values', () => {
  let root: string;
  let dir: string;
  before(async () => (root = await mkdtemp(join(tmpdir(), 'slipway-config-keys-'))));
  after(() => rm(root, { recursive: true }));
  beforeEach(() => (dir = join(root, randomId())));

  const keyFile = (): string => join(dir, 'config.key');
  const keyIds = async (): Promise<readonly string[]> =>
    parseKeyFile(await readFile(keyFile(), 'utf8'), keyFile()).map(({ id }) => id);

  async function plant(): Promise<App> {
    await using state = await openConfigState(dir);
    return (await addPlanted(state.store)).app;
  }

  async function check({ store }: ConfigState, app: App): Promise<void> {
    assert.equal((await store.config(app.id))['PLANTED_7']?.reveal(), 'clear-value-7-of-the-test');
    const release = await store.release(app.id, 1);
    assert.equal(revealAll(release?.config ?? {})['PLANTED_7'], 'clear-value-7-of-the-test');
  }

  it('are made once, in a file that only the controller can read', async () => {
    const app = await plant();
    const ids = await keyIds();
    assert.equal((await stat(keyFile())).mode & 0o777, 0o600);
    await using state = await openConfigState(dir);
    assert.deepEqual(await keyIds(), ids);
    await check(state, app);
  });

  it('are never replaced by new ones when they are missing, wrong or damaged', async () => {
    await plant();
    const text = await readFile(keyFile(), 'utf8');
    await rm(keyFile());
    await assert.rejects(openConfigState(dir), { code: 'SLIP_CONFIG_KEY_MISSING', message: new RegExp(keyFile()) });
    await assert.rejects(stat(keyFile()), { code: 'ENOENT' });
    await writeFile(keyFile(), Buffer.alloc(32, 9).toString('base64'));
    await assert.rejects(openConfigState(dir), { code: 'SLIP_CONFIG_KEY_WRONG' });
    await writeFile(keyFile(), '');
    await assert.rejects(openConfigState(dir), { code: 'SLIP_CONFIG_KEY_FILE' });
    await writeFile(keyFile(), text);
    await (await openConfigState(dir))[Symbol.asyncDispose]();
  });

  for (const stage of STAGES) {
    it(`survive a rotation that ends at ${stage}`, async () => {
      const app = await plant();
      const [former] = await keyIds();
      {
        await using state = await openConfigState(dir, { failAt: stage });
        await assert.rejects(state.keys.rotate(), { message: `failpoint ${stage}` });
        await check(state, app);
        await state.store.setConfig(app.id, { LATER: 'yes' });
      }
      await using again = await openConfigState(dir);
      await check(again, app);
      assert.equal((await again.store.config(app.id))['LATER']?.reveal(), 'yes');
      const ids = await keyIds();
      assert.ok(ids.length === 1 && ids[0] !== former, ids.join());
      assert.deepEqual((await again.store.configKeyUse()).needed, ids);
    });
  }

  it('are rotated once by two calls at the same time, while values change', async () => {
    const app = await plant();
    await using state = await openConfigState(dir);
    const set = (value: string): Promise<unknown> => state.store.setConfig(app.id, { CHANGED: value });
    const [one, two] = await Promise.all([state.keys.rotate(), state.keys.rotate(), set('1'), set('2')]);
    assert.equal(one.keyId, two.keyId);
    await set('3');
    assert.deepEqual([await keyIds(), (await state.store.configKeyUse()).needed], [[one.keyId], [one.keyId]]);
    assert.equal((await state.store.config(app.id))['CHANGED']?.reveal(), '3');
    await check(state, app);
  });

  it('move to a systemd credential, from where the controller cannot rotate them', async () => {
    const app = await plant();
    const credentials = join(dir, 'credentials');
    await mkdir(credentials);
    await writeFile(join(credentials, KEY_CREDENTIAL), `${Buffer.alloc(32, 5).toString('base64')}\n`);
    for (let start = 0; start < 2; start += 1) {
      await using state = await openConfigState(dir, { env: { CREDENTIALS_DIRECTORY: credentials } });
      await check(state, app);
      await assert.rejects(stat(keyFile()), { code: 'ENOENT' });
      await assert.rejects(state.keys.rotate(), { code: 'SLIP_CONFIG_KEY_CREDENTIAL' });
    }
    await assert.rejects(openConfigState(dir), { code: 'SLIP_CONFIG_KEY_MISSING' });
  });
});
