import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { BuildCaches } from '../../../../agent/build/caches.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import { run } from '../../../../shared/kit/exec.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';

const APP = 'app00001' as AppId;
const UIDS = 1_000_000;

it('a cache of another stack is emptied, and a purge empties it once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-caches-'));
  try {
    const limit = { bytes: 1e9, inodes: 1e5 };
    const caches = new BuildCaches({ root, limit, mounted: false }, { run, clock: systemClock });
    const filesAfter = async (stack: string, cacheNumber?: number): Promise<readonly string[]> => {
      const folder = await caches.open(APP, UIDS, { stack, cacheNumber });
      const found = await readdir(folder);
      await writeFile(join(folder, 'module'), 'x');
      return found;
    };
    assert.deepEqual(await filesAfter('host'), []);
    assert.deepEqual(await filesAfter('host'), ['module']);
    assert.deepEqual(await filesAfter('debian-12'), []);
    assert.deepEqual(await filesAfter('debian-12', 1), []);
    assert.deepEqual(await filesAfter('debian-12', 1), ['module']);
    assert.deepEqual(await filesAfter('debian-12', 2), []);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
