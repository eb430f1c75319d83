import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  planRebalance,
  planReplacements,
  type Move,
  type PlacedInstance,
} from '../../../../controller/schedule/moves.ts';
import { MEMORY_SHARE, type PlanNode } from '../../../../controller/schedule/nodes.ts';
import { ANYWHERE } from '../../../../shared/domain/placement.ts';
import { GIB, placedWeb as web, planNode as node } from '../../../support/placement.ts';

/** `shop-web-1>b` */
function show(moves: readonly Move[]): string {
  return moves.map(({ instance, to }) => `${instance.instanceId}>${to}`).join(' ');
}

/** Nodes as they are with these instances on them. */
function holding(nodes: readonly PlanNode[], instances: readonly PlacedInstance[]): readonly PlanNode[] {
  return nodes.map((each) => ({
    ...each,
    reservedBytes: instances.filter((one) => one.nodeId === each.nodeId).reduce((sum, one) => sum + one.memoryBytes, 0),
  }));
}

function leave(instances: readonly PlacedInstance[], nodeId: string): ReadonlySet<PlacedInstance['instanceId']> {
  return new Set(instances.filter((each) => each.nodeId === nodeId).map((each) => each.instanceId));
}

describe('replacements', () => {
  it('go to the node with the fewest instances of their type, and never back', () => {
    const instances = [web('shop', 1, 'a'), web('shop', 2, 'a'), web('shop', 3, 'b')];
    const nodes = holding([node('a'), node('b'), node('c')], instances);
    const plan = planReplacements({ instances, nodes, leaving: leave(instances, 'a') });
    assert.equal(show(plan.moves), 'shop-web-1>c shop-web-2>b');
  });

  it('respect rules and capacity, and give the reason when no node fits', () => {
    const rule = { ...ANYWHERE, require: { region: 'fra' } };
    const instances = [web('blog', 1, 'a', { rule }), web('shop', 1, 'a', { memoryBytes: 3 * GIB })];
    const nodes = holding([node('a'), node('b', { memoryBytes: 2 * GIB }), node('c', { cordoned: true })], instances);
    const plan = planReplacements({ instances, nodes, leaving: leave(instances, 'a') });
    assert.deepEqual(plan.moves, []);
    assert.deepEqual(
      plan.unplaced.map(({ reasons }) => reasons),
      [
        { b: 'it has no label region, region=fra is required', c: 'it is cordoned and gets no new instances' },
        { b: 'it has 1843 MB of unreserved memory, 3072 MB are needed', c: 'it is cordoned and gets no new instances' },
      ],
    );
  });

  it('are not made for a process type that runs on every node', () => {
    const instances = [web('shop', 1, 'a', { everyNode: true }), web('shop', 2, 'b', { everyNode: true })];
    const plan = planReplacements({
      instances,
      nodes: [node('a'), node('b'), node('c')],
      leaving: leave(instances, 'a'),
    });
    assert.deepEqual([plan.moves, plan.ends], [[], [instances[0]]]);
  });
});

describe('a rebalance', () => {
  it('evens out a process type onto a node that joined, with the highest numbers', () => {
    const instances = [1, 2, 3, 4].map((ordinal) => web('shop', ordinal, ordinal % 2 === 0 ? 'b' : 'a'));
    const nodes = holding([node('a'), node('b')], instances);
    assert.equal(show(planRebalance({ instances, nodes })), '');
    assert.equal(show(planRebalance({ instances, nodes: [...nodes, node('c')] })), 'shop-web-4>c');
  });

  it('evens out load where every app has a single instance', () => {
    const instances = ['one', 'two', 'tre'].map((app) => web(app, 1, 'a'));
    const nodes = holding([node('a'), node('b')], instances);
    assert.equal(planRebalance({ instances, nodes }).length, 1);
  });

  it('does not swap instances', () => {
    const instances = [web('one', 1, 'a'), web('two', 1, 'a'), web('tre', 1, 'b')];
    assert.deepEqual(planRebalance({ instances, nodes: holding([node('a'), node('b')], instances) }), []);
  });

  it('ends, respects memory and cordons, moves no instance twice, and a second one has no moves', () => {
    const anyInstance = fc.record({ app: fc.constantFrom('one', 'two', 'tre'), node: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(anyInstance, { maxLength: 14 }), fc.integer({ min: 0, max: 4 }), (specs, cordoned) => {
        const instances = specs.map((spec, index) =>
          web(spec.app, index + 1, `n${String(spec.node)}`, { memoryBytes: GIB / 2 }),
        );
        const bare = [0, 1, 2, 3, 4].map((index) => node(`n${String(index)}`, { cordoned: index === cordoned }));
        const nodes = holding(bare, instances);
        const moves = planRebalance({ instances, nodes });
        assert.deepEqual(planRebalance({ instances: instances.toReversed(), nodes: nodes.toReversed() }), moves);
        assert.equal(new Set(moves.map(({ instance }) => instance.instanceId)).size, moves.length);
        const after = instances.map((each) => ({
          ...each,
          nodeId: moves.find(({ instance }) => instance === each)?.to ?? each.nodeId,
        }));
        for (const each of holding(bare, after)) {
          const grew = moves.some(({ to }) => to === each.nodeId);
          assert.ok(!grew || (!each.cordoned && each.reservedBytes <= each.memoryBytes * MEMORY_SHARE));
        }
        assert.ok(roundsLeft(bare, after) <= 2);
      }),
    );
  });
});

/** What has been moved stays for the rest of a plan, so that now and then the next one still finds something. */
function roundsLeft(bare: readonly PlanNode[], instances: readonly PlacedInstance[]): number {
  const moves = planRebalance({ instances, nodes: holding(bare, instances) });
  if (moves.length === 0) return 0;
  const after = instances.map((each) => ({
    ...each,
    nodeId: moves.find(({ instance }) => instance === each)?.to ?? each.nodeId,
  }));
  return 1 + roundsLeft(bare, after);
}
