import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readSettings, readEnvironment } from '../../../cli/settings.ts';

const SETTINGS = { url: 'https://127.0.0.1:7400', token: 't', caPem: 'c' };

describe('settings of the CLI', () => {
  let home: string;
  let quickstart: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'slipway-cli-config-'));
    quickstart = join(home, 'cli.json');
    await writeFile(quickstart, JSON.stringify(SETTINGS));
  });
  after(() => rm(home, { recursive: true }));

  it('are those of the quickstart if the user has no settings and names none', async () => {
    const env = { HOME: home, SLIPWAY_QUICKSTART_CONFIG: quickstart };
    const none = join(home, 'none.json');
    assert.deepEqual(await readSettings(readEnvironment(env)), SETTINGS);
    await assert.rejects(readSettings(readEnvironment({ ...env, SLIPWAY_CONFIG: none })), {
      code: 'SLIP_CLI_NOT_SIGNED_IN',
    });
    await mkdir(join(home, '.config', 'slipway'), { recursive: true });
    await writeFile(join(home, '.config', 'slipway', 'config.json'), '{}');
    await assert.rejects(readSettings(readEnvironment(env)), { code: 'SLIP_CLI_CONFIG' });
  });
});
