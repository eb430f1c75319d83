import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planOneOff, type OneOffRequest } from '../../../../controller/one-off/plan-node.ts';
import type { PlanNode } from '../../../../controller/schedule/nodes.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { ANYWHERE } from '../../../../shared/domain/placement.ts';

const MIB = 1024 * 1024;

function node(name: string, change: Partial<PlanNode> = {}): PlanNode {
  return {
    ...{ nodeId: name as NodeId, name, connected: true, cordoned: false, labels: {}, stacks: ['host'] },
    ...{ platform: 'debian-12-x64', memoryBytes: 1000 * MIB, reservedBytes: 0, diskFreeBytes: 1000 * MIB },
    ...change,
  };
}

function plan(nodes: readonly PlanNode[], change: Partial<OneOffRequest> = {}): unknown {
  const needs = {
    memoryBytes: 512 * MIB,
    diskBytes: MIB,
    rule: ANYWHERE,
    slug: { stack: 'host', platform: 'debian-12-x64' },
  };
  const able = new Set(nodes.map(({ nodeId }) => nodeId));
  const result = planOneOff({ nodes, needs, able, withLayers: new Set(), ...change });
  return 'nodeId' in result ? result.nodeId : result.reasons;
}

describe('the node of a command', () => {
  it('has the layers, if it has room', () => {
    const withLayers = new Set(['b' as NodeId]);
    assert.equal(plan([node('a'), node('b', { reservedBytes: 300 * MIB })], { withLayers }), 'b');
    assert.equal(plan([node('a'), node('b', { reservedBytes: 800 * MIB })], { withLayers }), 'a');
  });

  it('is the least loaded one, then the one with the lower id', () => {
    assert.equal(plan([node('a', { reservedBytes: 200 * MIB }), node('b')]), 'b');
    assert.equal(plan([node('b'), node('a')]), 'a');
  });

  it('is the wanted one or none', () => {
    assert.equal(plan([node('a'), node('b')], { only: 'b' }), 'b');
    assert.deepEqual(plan([node('a')], { only: 'c' }), {});
  });

  it('is missing with a reason for each node', () => {
    const nodes = [
      node('full', { reservedBytes: 900 * MIB }),
      node('old'),
      node('away', { connected: false }),
      node('resting', { cordoned: true }),
    ];
    const able = new Set(nodes.filter(({ name }) => name !== 'old').map(({ nodeId }) => nodeId));
    assert.deepEqual(plan(nodes, { able }), {
      away: 'it is not connected',
      full: 'it has 0 MB of unreserved memory, 512 MB are needed',
      old: 'its agent is too old for commands (slipway nodes:upgrade old)',
      resting: 'it is cordoned and gets no new instances',
    });
  });
});
