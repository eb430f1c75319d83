import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { raiseSharedLimits } from '../../../../agent/sandbox/host-limits.ts';

it('raises shared limits, never lowers one, and skips limits that the kernel does not have', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-sysctl-'));
  const instances = join(dir, 'fs/inotify/max_user_instances');
  mkdirSync(join(instances, '..'), { recursive: true });
  writeFileSync(instances, '128\n');
  await raiseSharedLimits(dir);
  assert.equal(Number(readFileSync(instances, 'utf8')), 1_048_576);
  writeFileSync(instances, '2147483647\n');
  await raiseSharedLimits(dir);
  assert.equal(Number(readFileSync(instances, 'utf8')), 2_147_483_647);
  rmSync(dir, { recursive: true });
});
