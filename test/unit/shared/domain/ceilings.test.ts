import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkCeilingChange, checkCeilings, DEFAULT_CEILINGS, sayCeiling } from '../../../../shared/domain/ceilings.ts';

describe('the ceilings of limits', () => {
  it('refuse what is above them, with both numbers and the command that raises them', () => {
    assert.throws(() => checkCeilings({ pidsMax: 1_000_000 }, undefined, DEFAULT_CEILINGS), {
      code: 'SLIP_PS_CEILING',
      message: 'Each instance of an app may have at most 4096 processes; you asked for 1000000.',
      hint: 'Ask for less, or ask an administrator to raise the ceiling: slipway limits:set --pids 1000000',
    });
    assert.throws(() => checkCeilings({ memoryBytes: 40 * 1024 ** 3 }, undefined, DEFAULT_CEILINGS), {
      message: / at most 32G of memory; you asked for 40G\.$/,
    });
    assert.throws(() => checkCeilings({ diskBytes: 2 ** 50 }, undefined, DEFAULT_CEILINGS), {
      code: 'SLIP_PS_CEILING',
    });
    checkCeilings({ ...DEFAULT_CEILINGS, cpuMillis: 1_024_000 }, undefined, DEFAULT_CEILINGS);
  });

  it('let an app above a lowered ceiling keep or reduce its limits', () => {
    const before = { pidsMax: 20_000 };
    for (const pidsMax of [20_000, 19_000, 100]) checkCeilings({ pidsMax }, before, DEFAULT_CEILINGS);
    checkCeilings({ memoryBytes: 2 ** 30 }, before, DEFAULT_CEILINGS);
    assert.throws(() => checkCeilings({ pidsMax: 20_001 }, before, DEFAULT_CEILINGS), { code: 'SLIP_PS_CEILING' });
  });

  it('are never below the defaults of an instance', () => {
    assert.throws(() => checkCeilingChange({ pidsMax: 255 }), {
      code: 'SLIP_PS_CEILING_LOW',
      hint: 'Give at least --pids 256.',
    });
    checkCeilingChange({ pidsMax: 256, memoryBytes: null });
    assert.deepEqual(
      [sayCeiling('memoryBytes', 1536 * 1024 ** 2), sayCeiling('diskBytes', 2 ** 40)],
      ['1536M', '1024G'],
    );
  });
});
