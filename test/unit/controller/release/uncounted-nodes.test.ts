import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { uncountedNodes, type CountingNode } from '../../../../controller/release/uncounted-nodes.ts';
import type { AppId, NodeId } from '../../../../shared/domain/ids.ts';
import type { NodeFigures, SwitchGap } from '../../../../shared/domain/switch-figures.ts';

const READ = 10;
const node = (name: string, own: Partial<CountingNode> = {}): CountingNode => ({
  ...{ nodeId: name as NodeId, name, state: 'ready', connected: true, countsSwitches: true },
  ...own,
});
const answer = (name: string, read = READ, gap?: SwitchGap): [NodeId, NodeFigures] => [
  name as NodeId,
  {
    ...{ appId: 'a' as AppId, release: 1, read, gap, requests: 1, codes: {} },
    ...{ openRequests: 0, longestDrainMs: 0, lostLines: 0 },
  },
];

function whys(
  nodes: readonly CountingNode[],
  begun: readonly string[],
  answers: readonly [NodeId, NodeFigures][],
): readonly string[] {
  const given = { begun: new Set(begun as readonly NodeId[]), figures: new Map(answers), read: READ };
  return uncountedNodes(nodes, given).map((found) => `${found.node} ${found.why}`);
}

describe('the nodes whose figures are missing', () => {
  it('are none when every node counted from the start and answered', () => {
    assert.deepEqual(whys([node('ash'), node('oak')], ['ash', 'oak'], [answer('ash'), answer('oak', 11)]), []);
  });

  it('are those that are away, old, silent or late', () => {
    const nodes = [
      node('away', { connected: false }),
      node('old', { countsSwitches: undefined }),
      node('silent'),
      node('late'),
      node('removed', { state: 'removed' }),
    ];
    assert.deepEqual(whys(nodes, ['silent'], [answer('silent', READ - 1), answer('late')]), [
      'away away',
      'old old-agent',
      'silent silent',
      'late late',
    ]);
  });

  it('are those that say so themselves', () => {
    assert.deepEqual(whys([node('ash')], ['ash'], [answer('ash', READ, 'rotated')]), ['ash rotated']);
  });

  it('are those that went away before they answered', () => {
    assert.deepEqual(whys([node('ash', { connected: false })], ['ash'], [answer('ash', 0)]), ['ash away']);
  });
});
