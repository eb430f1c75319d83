import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planLosses, type WatchedNode } from '../../../../controller/movement/loss.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';

const HERE = { state: 'ready', connected: true, silentMs: 0, lost: false, letGo: false, lostAfterMs: 60_000 } as const;
const GONE = { ...HERE, state: 'unreachable', connected: false, silentMs: 60_000 } as const;

function fleet(...nodes: readonly Omit<WatchedNode, 'nodeId'>[]): readonly WatchedNode[] {
  return nodes.map((node, at) => ({ ...node, nodeId: `n${at}` as NodeId }));
}

describe('marking nodes as lost', () => {
  const cases: readonly [string, readonly WatchedNode[], { lost: readonly string[]; held: readonly string[] }][] = [
    ['a node silent for as long as its apps wait is given up', fleet(GONE, HERE, HERE), { lost: ['n0'], held: [] }],
    ['not a moment before', fleet({ ...GONE, silentMs: 59_999 }, HERE, HERE), { lost: [], held: [] }],
    ['not while nobody calls it unreachable', fleet({ ...GONE, state: 'ready' }, HERE, HERE), { lost: [], held: [] }],
    ['one of two is a single failure', fleet(GONE, HERE), { lost: ['n0'], held: [] }],
    ['two of six are single failures', fleet(GONE, GONE, HERE, HERE, HERE, HERE), { lost: ['n0', 'n1'], held: [] }],
    ['two of five are an outage', fleet(GONE, GONE, HERE, HERE, HERE), { lost: [], held: ['n0', 'n1'] }],
    ['the whole fleet is an outage', fleet(GONE, GONE), { lost: [], held: ['n0', 'n1'] }],
    [
      'one that has only just gone counts',
      fleet(GONE, { ...GONE, state: 'ready', silentMs: 1 }, HERE),
      { lost: [], held: ['n0', 'n1'] },
    ],
    ['an old loss does not count', fleet(GONE, { ...GONE, lost: true }, HERE, HERE), { lost: ['n0'], held: [] }],
    [
      'a machine that never came does not count',
      fleet(GONE, { ...GONE, state: 'joined' }, HERE),
      { lost: ['n0'], held: [] },
    ],
    [
      'nor does one that was revoked, or emptied and closed',
      fleet(GONE, { ...GONE, letGo: true }, HERE, HERE),
      { lost: ['n0', 'n1'], held: [] },
    ],
    ['nor is it held then', fleet(GONE, GONE, { ...GONE, letGo: true }, HERE, HERE), { lost: [], held: ['n0', 'n1'] }],
    [
      'nothing is held before its time',
      fleet({ ...GONE, silentMs: 9 }, { ...GONE, silentMs: 9 }),
      { lost: [], held: [] },
    ],
  ];
  for (const [title, nodes, expected] of cases) it(title, () => assert.deepEqual(planLosses(nodes), expected));
});
