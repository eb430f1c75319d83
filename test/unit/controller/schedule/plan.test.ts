import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MEMORY_SHARE, type PlanNode } from '../../../../controller/schedule/nodes.ts';
import {
  planPlacements,
  planWaves,
  surplus,
  type Placement,
  type PlanRequest,
} from '../../../../controller/schedule/plan.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { sayReasons, ANYWHERE } from '../../../../shared/domain/placement.ts';
import { GIB, planNode as node, planRequest as request, webDemand as web } from '../../../support/placement.ts';

const at = (nodeId: string, ordinal: number, processType = 'web'): Placement => ({
  processType,
  ordinal,
  nodeId: nodeId as NodeId,
});

/** `web.1@a web.2@b` */
function show(placements: readonly Placement[]): string {
  return placements.map((each) => `${each.processType}.${String(each.ordinal)}@${each.nodeId}`).join(' ');
}

function placed(over: Partial<PlanRequest>): string {
  return show(planPlacements(request(over)).placements);
}

describe('placement', () => {
  it('spreads over nodes before it stacks', () => {
    assert.equal(
      placed({ demands: [web(4)], nodes: [node('a'), node('b'), node('c')] }),
      'web.1@a web.2@b web.3@c web.4@a',
    );
  });

  it('prefers the node with most free memory, then the lower id', () => {
    const nodes = [node('a', { reservedBytes: GIB }), node('b'), node('c')];
    assert.equal(placed({ demands: [web(1)], nodes }), 'web.1@b');
  });

  it('spreads over the values of a label after nodes', () => {
    const zone = (value: string): Partial<PlanNode> => ({ labels: { zone: value } });
    const nodes = [node('a1', zone('a')), node('a2', zone('a')), node('a3', zone('a')), node('b1', zone('b'))];
    const rule = { ...ANYWHERE, spread: 'zone' };
    assert.equal(placed({ demands: [web(2, { rule })], nodes }), 'web.1@a1 web.2@b1');
    assert.equal(placed({ demands: [web(4, { rule })], nodes }), 'web.1@a1 web.2@b1 web.3@a2 web.4@a3');
  });

  it('places "all" on every eligible node once, and keeps existing numbers', () => {
    const nodes = [node('a'), node('b', { connected: false }), node('c'), node('d', { cordoned: true }), node('e')];
    assert.equal(placed({ demands: [web('all')], nodes }), 'web.1@a web.2@c web.3@e');
    assert.equal(placed({ demands: [web('all')], nodes, former: [at('c', 1), at('b', 2)] }), 'web.1@c web.2@a web.3@e');
    assert.equal(placed({ demands: [web('all')], nodes, placed: [at('c', 1)] }), 'web.2@a web.3@e');
  });

  it('prefers the nodes where the process type runs, if they have room', () => {
    const former = [at('c', 1), at('c', 2), at('b', 3)];
    assert.equal(placed({ demands: [web(3)], nodes: [node('b'), node('c')], former }), 'web.1@c web.2@c web.3@b');
    const cordoned = [node('a'), node('b'), node('c', { cordoned: true })];
    assert.equal(placed({ demands: [web(3)], nodes: cordoned, former }), 'web.1@a web.2@a web.3@b');
  });

  it('spreads instances again after the loss of a node', () => {
    const nodes = [node('a'), node('b'), node('c')];
    const at3 = (count: number): readonly Placement[] =>
      Array.from({ length: count }, (_, index) => at('c', index + 1));
    assert.equal(placed({ demands: [web(2)], nodes, former: at3(2) }), 'web.1@c web.2@a');
    assert.equal(placed({ demands: [web(4)], nodes, former: at3(4) }), 'web.1@c web.2@c web.3@a web.4@b');
    const full = node('a', { memoryBytes: 0 });
    assert.equal(placed({ demands: [web(3)], nodes: [full, node('c')], former: at3(3) }), 'web.1@c web.2@c web.3@c');
  });

  it('keeps existing instances, and spreads the new ones around them', () => {
    const nodes = [node('a'), node('b'), node('c')];
    assert.equal(placed({ demands: [web(3)], nodes, placed: [at('a', 1), at('b', 2)] }), 'web.3@c');
  });

  it('uses only nodes with the required labels', () => {
    const nodes = [node('a', { labels: { region: 'ams' } }), node('b', { labels: { region: 'fra' } }), node('c')];
    const rule = { ...ANYWHERE, require: { region: 'fra' } };
    assert.equal(placed({ demands: [web(2, { rule })], nodes }), 'web.1@b web.2@b');
  });
});

describe('an instance that cannot be placed', () => {
  it('has a reason for each node', () => {
    const rule = { ...ANYWHERE, require: { region: 'fra' } };
    const fra = { labels: { region: 'fra' } };
    const nodes = [
      node('away', { ...fra, connected: false }),
      node('closed', { ...fra, cordoned: true }),
      node('disk', { ...fra, diskFreeBytes: GIB / 4 }),
      node('far', { labels: { region: 'ams' } }),
      node('mute', { ...fra, proxyDown: true }),
      node('nowhere'),
      node('other', { ...fra, platform: 'ubuntu-24.04-x64' }),
      node('small', { ...fra, memoryBytes: GIB / 2 }),
      node('stack', { ...fra, stacks: ['debian-12'] }),
    ];
    const { unplaced } = planPlacements(request({ demands: [web(1, { rule })], nodes }));
    assert.deepEqual(unplaced[0]?.reasons, {
      away: 'it is not connected',
      closed: 'it is cordoned and gets no new instances',
      disk: 'it has 256 MB of disk free, 1024 MB are needed',
      far: 'it has region=ams, region=fra is required',
      mute: 'its proxy is down',
      nowhere: 'it has no label region, region=fra is required',
      other: 'the slug was built for debian-12-x64, the node is ubuntu-24.04-x64',
      small: 'it has 460 MB of unreserved memory, 1024 MB are needed',
      stack: 'it does not have the stack host',
    });
  });

  it('has reasons for a limited number of nodes', () => {
    const nodes = Array.from({ length: 14 }, (_, index) => node(`n${String(index + 10)}`, { cordoned: true }));
    const [unplaced] = planPlacements(request({ demands: [web(1)], nodes })).unplaced;
    const said = sayReasons(unplaced?.reasons ?? {}, 'nobody').split('; ');
    const closed = 'it is cordoned and gets no new instances';
    assert.deepEqual(
      [said.length, said[0], said[11], said[12]],
      [13, `n10: ${closed}`, `n21: ${closed}`, 'and 2 more nodes cannot either'],
    );
    assert.equal(sayReasons({}, 'nobody'), 'nobody');
  });

  it('counts as one missing instance of "all" when no node is eligible, but not when one runs already', () => {
    const nodes = [node('a', { cordoned: true }), node('b', { connected: false })];
    const { placements, unplaced } = planPlacements(request({ demands: [web('all')], nodes }));
    const reasons = { a: 'it is cordoned and gets no new instances', b: 'it is not connected' };
    assert.deepEqual([placements, unplaced], [[], [{ processType: 'web', ordinal: 1, reasons }]]);
    assert.deepEqual(planPlacements(request({ demands: [web('all')], nodes, placed: [at('b', 1)] })).unplaced, []);
  });

  it('names the node on which an instance of "all" has no room', () => {
    const { placements, unplaced } = planPlacements(
      request({ demands: [web('all')], nodes: [node('a'), node('b', { memoryBytes: GIB })] }),
    );
    assert.equal(show(placements), 'web.1@a');
    assert.deepEqual(Object.keys(unplaced[0]?.reasons ?? {}), ['b']);
  });

  it('does not fit beside the instances that it replaces', () => {
    const nodes = [node('a', { memoryBytes: 2 * GIB, reservedBytes: GIB })];
    assert.equal(planPlacements(request({ demands: [web(1)], nodes, former: [at('a', 1)] })).unplaced.length, 1);
  });
});

const anyNode = fc.record({
  name: fc.stringMatching(/^[a-z]{4}$/),
  gib: fc.integer({ min: 0, max: 8 }),
  reserved: fc.integer({ min: 0, max: 4 }),
  zone: fc.constantFrom('x', 'y', ''),
  connected: fc.boolean(),
  cordoned: fc.boolean(),
});
const anyFleet = fc.uniqueArray(anyNode, { selector: (each) => each.name, maxLength: 8 }).map((specs) =>
  specs.map(({ name, gib, reserved, zone, connected, cordoned }) =>
    node(name, {
      ...{ connected, cordoned, memoryBytes: gib * GIB, reservedBytes: Math.min(reserved, gib * MEMORY_SHARE) * GIB },
      labels: zone === '' ? {} : { zone },
    }),
  ),
);
const anyRule = fc.constantFrom(ANYWHERE, { ...ANYWHERE, spread: 'zone' }, { ...ANYWHERE, require: { zone: 'x' } });

describe('in any fleet', () => {
  it('the order of the input does not matter, each instance is planned or reported, and no node is overcommitted', () => {
    const worker = { ...web(2), processType: 'worker' };
    fc.assert(
      fc.property(anyFleet, fc.integer({ min: 0, max: 12 }), anyRule, (nodes, count, rule) => {
        const demands = [web(count, { rule }), worker];
        const former = nodes.slice(0, 3).map((each, index) => at(each.nodeId, index + 1));
        const plan = planPlacements(request({ demands, nodes, former }));
        const turned = { demands: demands.toReversed(), nodes: nodes.toReversed(), former: former.toReversed() };
        assert.deepEqual(planPlacements(request(turned)), plan);
        assert.equal(plan.placements.length + plan.unplaced.length, count + 2);
        for (const each of nodes) {
          const mine = plan.placements.filter((one) => one.nodeId === each.nodeId).length;
          assert.ok(mine === 0 || each.reservedBytes + mine * GIB <= each.memoryBytes * MEMORY_SHARE);
          assert.ok(mine === 0 || (each.connected && !each.cordoned));
        }
      }),
    );
  });

  it('the counts of nodes with room, and of equal zones, differ by at most one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 20 }), (nodeCount, count) => {
        const nodes = Array.from({ length: nodeCount * 2 }, (_, index) =>
          node(`n${String(index)}`, { memoryBytes: 99 * GIB, labels: { zone: index % 2 === 0 ? 'x' : 'y' } }),
        );
        const { placements } = planPlacements(
          request({ demands: [web(count, { rule: { ...ANYWHERE, spread: 'zone' } })], nodes }),
        );
        const on = (ids: readonly string[]): number => placements.filter((each) => ids.includes(each.nodeId)).length;
        const perNode = nodes.map((each) => on([each.nodeId]));
        assert.ok(Math.max(...perNode) - Math.min(...perNode) <= 1);
        const zones = ['x', 'y'].map((zone) =>
          on(nodes.filter((each) => each.labels['zone'] === zone).map((each) => each.nodeId)),
        );
        assert.ok(Math.abs(zones[0]! - zones[1]!) <= 1);
      }),
    );
  });

  it('"all" is at least one, and one on each eligible node with room, with unique numbers', () => {
    fc.assert(
      fc.property(anyFleet, (nodes) => {
        const former = nodes.slice(0, 2).map((each) => at(each.nodeId, 1));
        const { placements, unplaced } = planPlacements(request({ demands: [web('all')], nodes, former }));
        const eligible = nodes.filter((each) => each.connected && !each.cordoned);
        assert.equal(placements.length + unplaced.length, Math.max(1, eligible.length));
        assert.equal(new Set(placements.map((each) => each.nodeId)).size, placements.length);
        assert.equal(
          new Set([...placements, ...unplaced].map((each) => each.ordinal)).size,
          Math.max(1, eligible.length),
        );
      }),
    );
  });

  it('a new release moves no instance that is spread, and a new node gets only its share', () => {
    fc.assert(
      fc.property(anyFleet, fc.integer({ min: 1, max: 8 }), (nodes, count) => {
        const first = planPlacements(request({ demands: [web(count)], nodes })).placements;
        const demands = [web(first.length)];
        const sameFleet = planPlacements(request({ demands, nodes, former: first })).placements;
        assert.deepEqual(sameFleet.map((each) => each.nodeId).sort(), first.map((each) => each.nodeId).sort());
        const grown = planPlacements(request({ demands, nodes: [...nodes, node('zzzzz')], former: first })).placements;
        for (const each of grown) assert.ok(each.nodeId === 'zzzzz' || first.some((was) => was.nodeId === each.nodeId));
      }),
    );
  });
});

describe('waves', () => {
  it('take one canary, then a quarter, then the rest, and contain every instance', () => {
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

describe('scaling down', () => {
  it('ends the highest numbers and removed types, and nothing of "all"', () => {
    const present = [at('a', 1), at('b', 2), at('c', 3), at('a', 1, 'clock'), at('b', 9, 'agent')];
    assert.equal(show(surplus(present, { web: 1, agent: 'all' }, () => true)), 'web.2@b web.3@c clock.1@a');
  });

  it('keeps the lowest live instances, as many as are wanted', () => {
    const present = [at('a', 1), at('b', 2), at('c', 3), at('d', 4), at('e', 5)];
    const live =
      (...ordinals: number[]) =>
      (each: Placement): boolean =>
        ordinals.includes(each.ordinal);
    assert.equal(show(surplus(present, { web: 2 }, live(1, 2, 3, 4, 5))), 'web.3@c web.4@d web.5@e');
    assert.equal(show(surplus(present, { web: 2 }, live(1, 4, 5))), 'web.5@e web.3@c');
    assert.equal(show(surplus(present, { web: 2 }, live(4, 5))), 'web.3@c');
    assert.equal(show(surplus(present, { web: 2 }, live())), 'web.5@e');
    assert.equal(show(surplus(present, { web: 0 }, live(1))), 'web.1@a web.2@b web.3@c web.4@d web.5@e');
  });
});
