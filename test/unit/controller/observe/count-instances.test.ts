import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countInstances, type CountedInstance } from '../../../../controller/observe/count-instances.ts';

function at(name: string, node: string, state = 'live', desired: CountedInstance['desired'] = 'run'): CountedInstance {
  return { name, type: name.split('.')[0] ?? '', node, state, desired };
}

const NONE: ReadonlySet<string> = new Set();

describe('instance counts', () => {
  it('count the wanted instances, placed or not', () => {
    const counts = countInstances(
      { web: 3, worker: 0 },
      { instances: [at('web.1', 'a'), at('web.2', 'b', 'starting')], lostNodes: NONE },
    );
    assert.deepEqual([counts.live, counts.desired, counts.nodes], [1, 3, ['a', 'b']]);
    assert.deepEqual(
      counts.down.map(({ name, at: where }) => `${name} ${where?.node ?? 'nowhere'}`),
      ['web.2 b', 'web.3 nowhere'],
    );
  });

  it('count one of the copies during a move, a rollout or the loss of a node', () => {
    const moving = [at('web.1', 'a'), at('web.1', 'b', 'starting'), at('web.1', 'a', 'live', 'standby')];
    assert.deepEqual(numbers(countInstances({ web: 1 }, { instances: moving, lostNodes: NONE })), [1, 1]);
    const replaced = [at('web.1', 'a', 'unknown'), at('web.1', 'b'), at('web.2', 'b')];
    const counts = countInstances({ web: 2 }, { instances: replaced, lostNodes: new Set(['a']) });
    assert.deepEqual([...numbers(counts), counts.nodes], [2, 2, ['b']]);
  });

  it('do not count the last report of a disconnected node as up', () => {
    const counts = countInstances({ web: 1 }, { instances: [at('web.1', 'a', 'unknown')], lostNodes: NONE });
    assert.deepEqual([...numbers(counts), counts.down[0]?.at?.node], [0, 1, 'a']);
  });

  it('name the lost node of an instance that stays with it', () => {
    const counts = countInstances({ web: 1 }, { instances: [at('web.1', 'a', 'unknown')], lostNodes: new Set(['a']) });
    assert.deepEqual([...numbers(counts), counts.down[0]?.at?.node], [0, 1, 'a']);
  });

  it('count one instance per node that is not lost, of a type that runs on every node', () => {
    const instances = [at('web.1', 'a'), at('web.2', 'b', 'starting'), at('web.3', 'c', 'unknown'), at('web.4', 'a')];
    assert.deepEqual(numbers(countInstances({ web: 'all' }, { instances, lostNodes: new Set(['c']) })), [1, 2]);
  });

  it('count one missing instance of a type that runs on every node when no node runs it', () => {
    const none = countInstances({ web: 'all' }, { instances: [], lostNodes: NONE });
    assert.deepEqual(none.down, [{ name: 'web.1', at: undefined }]);
    const lost = countInstances(
      { web: 'all' },
      { instances: [at('web.2', 'a', 'unknown')], lostNodes: new Set(['a']) },
    );
    assert.deepEqual([...numbers(lost), lost.down[0]?.name, lost.down[0]?.at?.node], [0, 1, 'web.2', 'a']);
  });

  it('count an instance with a higher number in place of a missing one', () => {
    const counts = countInstances({ web: 2 }, { instances: [at('web.2', 'a'), at('web.3', 'b')], lostNodes: NONE });
    assert.deepEqual([...numbers(counts), counts.nodes], [2, 2, ['a', 'b']]);
    const starting = countInstances(
      { web: 2 },
      { instances: [at('web.2', 'a'), at('web.3', 'b', 'starting')], lostNodes: NONE },
    );
    assert.deepEqual(starting.down, [{ name: 'web.1', at: undefined }]);
  });

  it('skip surplus instances, because they are about to end', () => {
    assert.deepEqual(
      numbers(countInstances({ web: 1 }, { instances: [at('web.1', 'a'), at('web.2', 'b')], lostNodes: NONE })),
      [1, 1],
    );
  });
});

function numbers({ live, desired }: { readonly live: number; readonly desired: number }): readonly number[] {
  return [live, desired];
}
