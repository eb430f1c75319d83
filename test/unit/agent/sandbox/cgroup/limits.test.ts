import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  cpuShare,
  cpuShareOfAll,
  IO_WEIGHT_OF_ALL,
  ioWeight,
  memoryOfAllBytes,
  pidsOfAll,
  v1CpuShares,
  v2CpuWeight,
} from '../../../../../agent/sandbox/cgroup/limits.ts';
import { oomScoreAdjust } from '../../../../../agent/sandbox/oom-score.ts';

const MB = 1024 * 1024;

describe('shares of the processors', () => {
  it('put apps before builds, and no sandbox before a process of the machine', () => {
    assert.ok(cpuShare('build') < cpuShare('app'));
    assert.ok(v1CpuShares(cpuShareOfAll('v1', 1)) <= 1024);
    assert.ok(v2CpuWeight(cpuShareOfAll('v2', 1)) < 100);
    assert.equal(v1CpuShares(cpuShareOfAll('v1', 8)), 8 * v1CpuShares(cpuShareOfAll('v1', 1)));
  });

  it('stay within what the kernel accepts on the largest machines', () => {
    assert.equal(v2CpuWeight(cpuShareOfAll('v2', 1024)), 10_000);
  });
});

describe('weights of disk access', () => {
  it('put agent, proxy and controller before sandboxes, and apps before builds', () => {
    assert.equal(Math.min(IO_WEIGHT_OF_ALL, 100), IO_WEIGHT_OF_ALL, 'another group has 100');
    assert.ok(ioWeight('build') < ioWeight('app'));
    for (const weight of [IO_WEIGHT_OF_ALL, ioWeight('build'), ioWeight('app')])
      assert.ok(weight >= 1 && weight <= 1000);
  });
});

describe('the memory of all sandboxes together', () => {
  it('leaves a tenth to the machine, and 128 MB at the least', () => {
    assert.equal(memoryOfAllBytes(1024 * MB), 896 * MB);
    const reserved = 64 * 1024 * MB - memoryOfAllBytes(64 * 1024 * MB);
    assert.ok(reserved >= 6553 * MB && reserved <= 6555 * MB, String(reserved));
  });

  it('is a whole number of pages, so that the kernel says the same number', () => {
    assert.equal(memoryOfAllBytes(1_234_567_890) % 65_536, 0);
  });
});

describe('the processes of all sandboxes together', () => {
  it('leave a tenth of the numbers to the machine', () => {
    assert.equal(pidsOfAll(32_768), 29_491);
  });
});

describe('the out-of-memory score of a sandbox', () => {
  it('is high where the kernel keeps it high, else the lowest that a process can have', () => {
    assert.equal(oomScoreAdjust('Name:\tnode\nCapEff:\t000001ffffffffff\n'), 500);
    assert.equal(oomScoreAdjust('Name:\tnode\nCapEff:\t000001fffeffffff\n'), 0);
    assert.equal(oomScoreAdjust(''), 0);
  });
});
