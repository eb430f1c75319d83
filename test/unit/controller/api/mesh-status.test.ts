import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { meshProblems } from '../../../../controller/api/mesh-status.ts';
import type { LiveNode } from '../../../../controller/dispatch/port.ts';

const node = (name: string, unreachable: readonly string[] = [], changes: Partial<LiveNode> = {}): LiveNode =>
  ({
    nodeId: `id-${name}`,
    name,
    connected: true,
    meshAddress: '10.0.0.1:7405',
    unreachablePeerIds: unreachable.map((each) => `id-${each}`),
    ...changes,
  }) as LiveNode;

const said = (...nodes: readonly LiveNode[]): readonly string[] =>
  meshProblems(nodes).map((problem) => problem.message);

describe('the connections between nodes in the status', () => {
  it('are not reported while they work', () => {
    assert.deepEqual(said(node('a'), node('b')), []);
    assert.deepEqual(said(node('a', ['gone']), node('b')), []);
  });

  it('are reported when no node or not every node reaches a node', () => {
    assert.deepEqual(said(node('a', ['c']), node('b', ['c']), node('c')), [
      'No other node can reach node c at 10.0.0.1:7405, so it serves only requests that arrive at it directly.',
    ]);
    assert.deepEqual(said(node('a', ['c']), node('b'), node('c')), [
      'Node c cannot be reached at 10.0.0.1:7405 from a.',
    ]);
  });

  it('are not reported for a node whose proxy is down, because the status reports the proxy', () => {
    const failure = { code: 'SLIP_PROXY_DOWN', message: 'The proxy process is not running.' };
    assert.deepEqual(said(node('a', ['b']), node('b', [], { failure })), []);
    const other = { code: 'SLIP_SANDBOX_CGROUP', message: 'Limits could not be set.' };
    assert.equal(said(node('a', ['b']), node('b', [], { failure: other })).length, 1);
  });

  it('are not reported for nodes that are not connected or get no requests', () => {
    assert.deepEqual(
      said(node('a', ['b', 'c']), node('b', [], { connected: false }), node('c', [], { meshAddress: '' })),
      [],
    );
  });
});
