import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { demandsOf, limitsOf, needsOf, placedInstance } from '../../../../controller/schedule/demands.ts';
import { DEFAULT_LIMITS } from '../../../../shared/domain/assignment.ts';
import { ANYWHERE, parseCount, parseLabelName, parseLabelValue } from '../../../../shared/domain/placement.ts';
import { aRow } from '../../../support/domain.ts';
import { slugOf } from '../../../support/store-fixtures.ts';

const GIB = 1024 ** 3;
const slug = { ...slugOf('a'), processTypes: { web: 'a', worker: 'b', release: 'c' } };

describe('demands', () => {
  it('start web with one and others with none, and never run release', () => {
    const counts = (formation: Record<string, number | 'all'>): unknown =>
      demandsOf({ slug, formation, settings: {} }).map((demand) => [demand.processType, demand.count]);
    assert.deepEqual(counts({}), [['web', 1]]);
    assert.deepEqual(counts({ worker: 2, web: 0, release: 5, gone: 3 }), [['worker', 2]]);
    assert.deepEqual(counts({ web: 'all' }), [['web', 'all']]);
    const odd = { ...slug, processTypes: { web: 'a', constructor: 'b', toString: 'c' } };
    assert.deepEqual(
      demandsOf({ slug: odd, formation: {}, settings: {} }).map(({ processType }) => processType),
      ['web'],
    );
  });

  it('carry the limits and the rule of their process type', () => {
    const rule = { ...ANYWHERE, spread: 'zone' };
    const settings = { web: { limits: { memoryBytes: GIB, diskBytes: 10 * GIB }, placement: rule } };
    const shape = { slug, formation: {}, settings };
    assert.deepEqual(limitsOf(settings, 'web'), { ...DEFAULT_LIMITS, memoryBytes: GIB, diskBytes: 10 * GIB });
    assert.deepEqual(limitsOf(settings, 'worker'), DEFAULT_LIMITS);
    const { memoryBytes, diskBytes } = needsOf(shape, 'web');
    assert.deepEqual([memoryBytes, diskBytes, needsOf(shape, 'web').rule], [GIB, 10 * GIB + 100, rule]);
    assert.equal(needsOf(shape, 'worker').diskBytes, 64 * 1024 * 1024 + 100);
  });
});

describe('an instance that may move', () => {
  it('keeps its memory limit when the wanted one changes, and says whether it runs on every node', () => {
    const shape = { slug, formation: { web: 'all' as const }, settings: { web: { limits: { memoryBytes: GIB } } } };
    const { memoryBytes, everyNode, ordinal } = placedInstance(shape, aRow({ ordinal: 3 }));
    assert.deepEqual([memoryBytes, everyNode, ordinal], [DEFAULT_LIMITS.memoryBytes, true, 3]);
  });
});

describe('labels', () => {
  it('are words that need no quotes', () => {
    assert.deepEqual([parseLabelName('zone.rack-1'), parseLabelValue('Fra_1')], ['zone.rack-1', 'Fra_1']);
    for (const bad of ['', 'Zone', 'a b', '-a', 'a'.repeat(64)])
      assert.throws(() => parseLabelName(bad), { code: 'SLIP_NAME_LABEL' });
    for (const bad of ['', 'a b', 'a=b', 'é']) assert.throws(() => parseLabelValue(bad), { code: 'SLIP_NAME_LABEL' });
  });
});

describe('quantities', () => {
  it('are a number, a change, or all', () => {
    assert.deepEqual(
      [parseCount('3', 1), parseCount('+2', 1), parseCount('-5', 1), parseCount('all', 2), parseCount('2', 'all')],
      [3, 3, 0, 'all', 2],
    );
  });

  for (const [text, now] of [
    ['three', 1],
    ['1.5', 1],
    ['', 1],
    ['1001', 1],
    ['+1', 'all'],
    ['-1', 'all'],
    ['+1000', 1],
  ] as const) {
    it(`are not ${JSON.stringify(text)} when there are ${String(now)}`, () => {
      assert.throws(() => parseCount(text, now), { code: 'SLIP_PS_QUANTITY', httpStatus: 422 });
    });
  }
});
