import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replaceInstances, type Replacement } from '../../../../controller/assignments/replace-instances.ts';
import { aRow } from '../../../support/domain.ts';

const OLD = aRow({ instanceId: 'old', nodeId: 'node-a' });
const NEW = aRow({ instanceId: 'new', nodeId: 'node-b' });

/** What the store and the fleet were asked for, in order. */
async function asked(replacement: Partial<Replacement>): Promise<{ calls: string[]; removed: string[] }> {
  const calls: string[] = [];
  const say = (call: string): Promise<void> => {
    calls.push(call);
    return Promise.resolve();
  };
  const removed = await replaceInstances(
    {
      store: {
        changeAssignments: ({ add, setDesired }) =>
          say(
            `write ${[...add.map((row) => `+${row.instanceId}`), ...setDesired.map((one) => `${one.instanceId}=${one.desired}`)].join(' ')}`,
          ),
      },
      fleet: {
        publish: (node) => say(`publish ${node}`),
        routesApplied: (_app, _signal, ids = []) => say(`routes without ${ids.join(' ')}`),
      },
    },
    { appId: OLD.appId, signal: new AbortController().signal, ...replacement },
  );
  return { calls, removed: removed.map((row) => row.instanceId) };
}

describe('replaceInstances', () => {
  it('removes an instance only after every proxy has the new routes', async () => {
    assert.deepEqual(await asked({ add: [NEW], remove: [OLD] }), {
      calls: ['routes without old', 'write +new old=stop', 'publish node-a', 'publish node-b'],
      removed: ['old'],
    });
  });

  it('does not wait for routes when it only adds', async () => {
    assert.deepEqual((await asked({ add: [NEW] })).calls, ['write +new', 'publish node-b']);
  });

  it('keeps an instance that is still needed after the wait', async () => {
    const { calls, removed } = await asked({ remove: [OLD], recheck: () => [] });
    assert.deepEqual(calls, ['routes without old']);
    assert.deepEqual(removed, []);
  });

  it('does not remove an instance whose routes are still in use', async () => {
    assert.deepEqual((await asked({ remove: [OLD], recheck: () => [OLD, NEW] })).removed, ['old']);
  });

  it('can keep the removed instances ready', async () => {
    assert.deepEqual((await asked({ remove: [OLD], removeTo: 'standby' })).calls[1], 'write old=standby');
  });
});
