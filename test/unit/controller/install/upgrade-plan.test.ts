import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planUpgrade, type UpgradeCandidate } from '../../../../controller/install/upgrade-plan.ts';

const WANTED = '0.2.0+bbbbbbbbbbbb';
const node = (name: string, change: Partial<UpgradeCandidate> = {}): UpgradeCandidate => ({
  name,
  connected: true,
  agentVersion: '0.1.0+aaaaaaaaaaaa',
  ...change,
});

describe('the plan of an upgrade', () => {
  it('takes one node, then a quarter, then the rest, ordered by name', () => {
    const nodes = ['n9', 'n1', 'n3', 'n2', 'n4', 'n5', 'n6', 'n7', 'n8'].map((name) => node(name));
    assert.deepEqual(planUpgrade(nodes, WANTED), {
      waves: [['n1'], ['n2', 'n3', 'n4'], ['n5', 'n6', 'n7', 'n8', 'n9']],
      skipped: [],
    });
  });

  it('skips nodes that have the version, are not connected, or run a checkout, and says why', () => {
    const nodes = [
      node('away', { connected: false }),
      node('checkout', { agentVersion: '0.1.0' }),
      node('done', { agentVersion: WANTED }),
      node('todo'),
    ];
    const { waves, skipped } = planUpgrade(nodes, WANTED);
    assert.deepEqual(waves, [['todo']]);
    assert.deepEqual(
      skipped.map(({ name, why }) => `${name} ${why.slice(0, 20)}`),
      ['away is not connected; up', 'checkout runs a checkout (0.1', 'done runs 0.2.0+bbbbbbbbb'],
    );
  });

  it('has no wave if there is nothing to upgrade', () => {
    assert.deepEqual(planUpgrade([], WANTED), { waves: [], skipped: [] });
  });
});
