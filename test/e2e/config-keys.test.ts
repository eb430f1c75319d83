import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestFleet } from '../support/fleet.ts';

const VALUES = Object.fromEntries(
  Array.from({ length: 50 }, (_, index) => [`PLANTED_${String(index)}`, `planted-value-${String(index)}-of-the-test`]),
);
const STAGES = ['configKey.added', 'configValues.encrypted', 'configValues.scrubbed', 'configKey.retired'];

describe('config values of a running controller', () => {
  let fleet: TestFleet;
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-config-keys-'));
    await killAt('');
    fleet = await TestFleet.start({ agentElsewhere: true, env: { SLIPWAY_FAILPOINTS_FILE: join(dir, 'failpoints') } });
    await fleet.api('POST', '/apps', { name: 'shop' });
    await fleet.api('PATCH', '/apps/shop/config', VALUES);
  });
  after(async () => {
    await fleet.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const killAt = (stage: string): Promise<void> => writeFile(join(dir, 'failpoints'), stage);
  const keyFile = (): string => join(fleet.stateDirs.controller, 'config.key');
  const config = async (): Promise<unknown> =>
    ((await fleet.api('GET', '/apps/shop/config')) as { readonly config: unknown }).config;

  async function notFound(): Promise<void> {
    const entries = await readdir(fleet.stateDirs.controller, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    assert.ok(files.some((path) => path.endsWith('slipway.db-wal')));
    for (const path of [...files, join(fleet.dir, 'controller.log')]) {
      const text = (await readFile(path)).toString('latin1');
      const found = Object.values(VALUES).filter((value) => text.includes(value));
      assert.deepEqual(found, [], path);
    }
  }

  it('are in no file of its state folder, and not in its log', async () => {
    assert.deepEqual(await config(), VALUES);
    await notFound();
    assert.equal((await stat(keyFile())).mode & 0o777, 0o600);
  });

  it('get a new key while it runs', async () => {
    const former = await readFile(keyFile(), 'utf8');
    const text = await fleet.slipway('controller:rotate-key');
    assert.match(text, /^The key of the config values is now [0-9a-f]{16}\. 50 texts were encrypted again\.\n/);
    assert.notEqual(await readFile(keyFile(), 'utf8'), former);
    assert.deepEqual(await config(), VALUES);
    await notFound();
  });

  for (const stage of STAGES) {
    it(`survive a kill -9 at ${stage} of a rotation`, async () => {
      await killAt(stage);
      await assert.rejects(fleet.api('POST', '/controller/rotate-key'));
      await fleet.controllerGone();
      await killAt('');
      await fleet.startController();
      assert.deepEqual(await config(), VALUES);
      assert.equal((await readFile(keyFile(), 'utf8')).split('\n').filter((line) => /^[^#]/.test(line)).length, 1);
      await notFound();
    });
  }

  it('stop the start when their key is missing, until it is back', async () => {
    await fleet.endController('SIGTERM');
    await rename(keyFile(), `${keyFile()}.away`);
    await assert.rejects(fleet.startController(), /their key .*config\.key is missing/);
    await assert.rejects(stat(keyFile()), { code: 'ENOENT' });
    await rename(`${keyFile()}.away`, keyFile());
    await fleet.startController();
    assert.deepEqual(await config(), VALUES);
  });
});
