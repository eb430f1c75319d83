import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { edgeProblems } from '../../../../controller/api/edge-problems.ts';
import type { LiveNode } from '../../../../controller/dispatch/port.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { liveNodeOf } from '../../../support/live-node.ts';

const node = (name: string, change: Partial<LiveNode>): LiveNode =>
  liveNodeOf({ id: name as NodeId, name: name as never }, { httpsPort: 443, ...change });
const EDGE = { labels: { role: 'edge' } };

describe('the rule for nodes that answer HTTPS', () => {
  it('is no problem without labels, without nodes, and while a node has them', () => {
    assert.deepEqual(edgeProblems({}, [node('fra-1', { httpsPort: 0 })]), []);
    assert.deepEqual(edgeProblems({ role: 'edge' }, []), []);
    assert.deepEqual(edgeProblems({ role: 'edge' }, [node('fra-1', EDGE), node('fra-2', {})]), []);
  });

  it('is a problem with the next command when no node has the labels, or HTTPS is off on all of these', () => {
    const gone = node('gone', { ...EDGE, state: 'removed' });
    assert.deepEqual(edgeProblems({ role: 'edge' }, [node('fra-1', {}), gone]), [
      {
        message: 'No node answers HTTPS, because no node has role=edge.',
        next: 'slipway nodes:label fra-1 role=edge',
      },
    ]);
    const [off] = edgeProblems({ role: 'edge' }, [node('fra-1', { ...EDGE, httpsPort: 0 })]);
    assert.match(off?.message ?? '', /have HTTPS switched off in their agent\.json/);
  });

  it('names nodes whose older agents keep their keys', () => {
    const nodes = [node('fra-1', EDGE), node('fra-2', { ignoresEdgeSettings: true })];
    const [problem] = edgeProblems({ role: 'edge' }, nodes);
    assert.match(problem?.message ?? '', /The agent of node fra-2 is too old for edge:set/);
    assert.equal(problem?.next, 'slipway nodes:upgrade fra-2');
  });
});
