import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aboveCeilings, ceilingProblems, quotaProblems } from '../../../../controller/api/above-limits.ts';
import { DEFAULT_CEILINGS } from '../../../../shared/domain/ceilings.ts';

const GIB = 1024 ** 3;

describe('an app or user above a lowered ceiling or quota', () => {
  it('is reported for each process type, with the command that lowers the limits', () => {
    const settings = {
      web: { limits: { memoryBytes: 16 * GIB, pidsMax: 4096 } },
      worker: { limits: { memoryBytes: 8 * GIB } },
      clock: {},
    };
    const above = aboveCeilings(settings, { ...DEFAULT_CEILINGS, memoryBytes: 8 * GIB, pidsMax: 1024 });
    assert.deepEqual(ceilingProblems('shop', above), [
      {
        message:
          'shop: the limits of web are above the ceilings, and stay until somebody changes them: 16G of memory (the ceiling is 8G), 4096 processes (the ceiling is 1024).',
        next: 'slipway ps:limits web --memory 8G --pids 1024 -a shop',
      },
    ]);
    assert.deepEqual(aboveCeilings(settings, DEFAULT_CEILINGS), []);
  });

  it('is reported for a limited number of users and apps', () => {
    const one = { user: 'ada', quota: 'apps' as const, used: 3, max: 2 };
    assert.deepEqual(quotaProblems([one, { ...one, app: 'shop', quota: 'domainsPerApp' }]), [
      {
        message: 'User ada has 3 apps, but the quota is 2. Nothing is removed, and no more can be added.',
        next: 'slipway users:quotas ada',
      },
      {
        message: 'shop (of ada) has 3 domains, but the quota is 2. Nothing is removed, and no more can be added.',
        next: 'slipway domains -a shop',
      },
    ]);
    const many = quotaProblems(Array.from({ length: 500 }, () => one));
    assert.deepEqual([many.length, many.at(-1)?.message], [21, '480 more users or apps are above their quota.']);
  });
});
