import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { demandsOf, planPlacements, planWaves, type PlanNode, type PlanRequest } from '../../../../controller/schedule/plan.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';

const GIB = 1024 ** 3;

function node(name: string, over: Partial<PlanNode> = {}): PlanNode {
  return {
    nodeId: name as NodeId,
    name,
    connected: true,
    stacks: ['host'],
    platform: 'debian-12-x64',
    memoryBytes: 4 * GIB,
    reservedBytes: 0,
    appInstances: 0,
    ...over,
  };
}

function request(over: Partial<PlanRequest>): PlanRequest {
  return { demands: [], nodes: [], slug: { stack: 'host', platform: 'debian-12-x64' }, ...over };
}

const web = (count: number | 'all', memoryBytes = GIB): PlanRequest['demands'][number] => ({ processType: 'web', count, memoryBytes });

describe('placement', () => {
  it('spreads over nodes before it stacks', () => {
    const { placements } = planPlacements(request({ demands: [web(3)], nodes: [node('a'), node('b'), node('c')] }));
    assert.deepEqual(placements.map((p) => p.nodeId).sort(), ['a', 'b', 'c']);
  });

  it('prefers the node with most free memory, then the lower id', () => {
    const nodes = [node('a', { reservedBytes: GIB }), node('b'), node('c')];
    assert.equal(planPlacements(request({ demands: [web(1)], nodes })).placements[0]?.nodeId, 'b');
  });

  it('puts "all" on every eligible node once', () => {
    const nodes = [node('a'), node('b', { connected: false }), node('c')];
    const { placements, unplaced } = planPlacements(request({ demands: [web('all')], nodes }));
    assert.deepEqual(placements.map((p) => p.nodeId).sort(), ['a', 'c']);
    assert.equal(unplaced.length, 0);
  });

  it('says per node why an instance cannot be placed', () => {
    const nodes = [node('a', { connected: false }), node('b', { memoryBytes: GIB / 2 }), node('c', { platform: 'ubuntu-24.04-x64' })];
    const { unplaced } = planPlacements(request({ demands: [web(1)], nodes }));
    assert.match(unplaced[0]?.reasons['a'] ?? '', /not connected/);
    assert.match(unplaced[0]?.reasons['b'] ?? '', /460 MB .*1024 MB are needed/);
    assert.match(unplaced[0]?.reasons['c'] ?? '', /built for debian-12-x64/);
  });

  it('gives the same plan whatever the order of its input, and never overcommits', () => {
    const nodes = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{4}$/), fc.integer({ min: 0, max: 8 })), {
      selector: ([name]) => name,
      maxLength: 8,
    });
    fc.assert(
      fc.property(nodes, fc.integer({ min: 0, max: 12 }), (specs, count) => {
        const fleet = specs.map(([name, gib]) => node(name, { memoryBytes: gib * GIB }));
        const plan = planPlacements(request({ demands: [web(count)], nodes: fleet }));
        assert.deepEqual(planPlacements(request({ demands: [web(count)], nodes: [...fleet].reverse() })), plan);
        assert.equal(plan.placements.length + plan.unplaced.length, count);
        for (const n of fleet) assert.ok(plan.placements.filter((p) => p.nodeId === n.nodeId).length * GIB <= n.memoryBytes * 0.9);
      }),
    );
  });
});

describe('waves', () => {
  it('sends one canary, then a quarter, then the rest, and loses nobody', () => {
    assert.deepEqual(
      planWaves([1, 2, 3, 4, 5, 6, 7, 8]).map((wave) => wave.length),
      [1, 2, 5],
    );
    fc.assert(
      fc.property(fc.array(fc.integer()), (all) => {
        assert.deepEqual(planWaves(all).flat(), all);
      }),
    );
  });
});

describe('demands', () => {
  it('starts web with one and others with none, and never scales release', () => {
    const types = { web: 'a', worker: 'b', release: 'c' };
    assert.deepEqual(
      demandsOf(types, {}, 1).map((d) => [d.processType, d.count]),
      [['web', 1]],
    );
    assert.deepEqual(
      demandsOf(types, { worker: 2, web: 0, release: 5 }, 1).map((d) => [d.processType, d.count]),
      [['worker', 2]],
    );
  });
});
