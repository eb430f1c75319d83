import assert from 'node:assert/strict';
import { chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { controllerPaths } from '../../../controller/foundations.ts';
import { declareRestored } from '../../../controller/restored.ts';
import { openStore } from '../../../controller/store/open-store.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import { randomId } from '../../../shared/kit/random-id.ts';
import { TEST_KEYRING } from '../../support/store-fixtures.ts';

describe('the command that declares a database restored', () => {
  let stateDir: string;
  let path: string;
  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'slipway-restored-'));
    path = controllerPaths(stateDir).database;
  });
  after(() => rm(stateDir, { recursive: true }));

  const open = () => openStore({ path, clock: systemClock, randomId, keyring: TEST_KEYRING });

  it('raises the counters, and refuses a missing database and the file of another user', async (t) => {
    await assert.rejects(declareRestored({ stateDir }), {
      code: 'SLIP_RESTORED_NOTHING',
      message: `There is no database ${path}.`,
    });
    await assert.rejects(stat(path), { code: 'ENOENT' });
    const store = await open();
    await assert.rejects(declareRestored({ stateDir }), { code: 'SLIP_STORE_LOCKED' });
    await store.close();
    assert.match(await declareRestored({ stateDir }), /is now the valid database.*slipway status/);
    const restored = await open();
    assert.ok((await restored.newEpoch('next')).counter > 1_000_000_000_000);
    await restored.close();
    if (process.getuid?.() !== 0) {
      t.diagnostic('only root can give a file to another user');
      return;
    }
    await chown(path, 1, 1);
    await assert.rejects(declareRestored({ stateDir }), {
      code: 'SLIP_RESTORED_OWNER',
      message: /belongs to user 1, but .* as user 0/,
    });
  });
});
