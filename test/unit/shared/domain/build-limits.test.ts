import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkBuildLimits } from '../../../../shared/domain/build-limits.ts';
import { DEFAULT_CEILINGS } from '../../../../shared/domain/ceilings.ts';

const GIB = 1024 ** 3;

it('limits of builds stay below the ceilings of instances, and the defaults are always allowed', () => {
  checkBuildLimits({}, DEFAULT_CEILINGS);
  checkBuildLimits({ memoryBytes: 32 * GIB, diskBytes: 32 * GIB, timeoutMs: 60_000 }, DEFAULT_CEILINGS);
  checkBuildLimits(
    { memoryBytes: 2 * GIB, diskBytes: 4 * GIB },
    { ...DEFAULT_CEILINGS, memoryBytes: GIB, diskBytes: GIB },
  );
  assert.throws(() => checkBuildLimits({ memoryBytes: 33 * GIB }, DEFAULT_CEILINGS), {
    code: 'SLIP_BUILD_LIMIT',
    message: 'A build may have at most 32G of memory; you asked for 33G.',
    hint: 'Ask for less, or ask an administrator to raise the ceiling: slipway limits:set --memory 33G',
  });
  assert.throws(() => checkBuildLimits({ diskBytes: 33 * GIB }, DEFAULT_CEILINGS), { code: 'SLIP_BUILD_LIMIT' });
});
