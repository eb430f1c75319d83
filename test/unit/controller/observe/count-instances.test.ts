import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countInstances, type CountedInstance } from '../../../../controller/observe/count-instances.ts';

function at(name: string, node: string, state = 'live', desired: CountedInstance['desired'] = 'run'): CountedInstance {
  return { name, type: name.split('.')[0] ?? '', node, state, desired };
}

const NONE: ReadonlySet<string> = new Set();

describe('instance counts', () => {
  it('count what the formation wants, whether it has a place or not', () => {
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

  it('count one of the copies of a move, of a switch, and of what a lost node had', () => {
    const moving = [at('web.1', 'a'), at('web.1', 'b', 'starting'), at('web.1', 'a', 'live', 'standby')];
    assert.deepEqual(numbers(countInstances({ web: 1 }, { instances: moving, lostNodes: NONE })), [1, 1]);
    const replaced = [at('web.1', 'a', 'unknown'), at('web.1', 'b'), at('web.2', 'b')];
    const counts = countInstances({ web: 2 }, { instances: replaced, lostNodes: new Set(['a']) });
    assert.deepEqual([...numbers(counts), counts.nodes], [2, 2, ['b']]);
  });

  it('do not count as up what a node that is not connected said last', () => {
    const counts = countInstances({ web: 1 }, { instances: [at('web.1', 'a', 'unknown')], lostNodes: NONE });
    assert.deepEqual([...numbers(counts), counts.down[0]?.at?.node], [0, 1, 'a']);
  });

  it('name the lost node of an instance that stays with it', () => {
    const counts = countInstances({ web: 1 }, { instances: [at('web.1', 'a', 'unknown')], lostNodes: new Set(['a']) });
    assert.deepEqual([...numbers(counts), counts.down[0]?.at?.node], [0, 1, 'a']);
  });

  it('of a type that runs on every node count one for each node that is not lost', () => {
    const instances = [at('web.1', 'a'), at('web.2', 'b', 'starting'), at('web.3', 'c', 'unknown'), at('web.4', 'a')];
    assert.deepEqual(numbers(countInstances({ web: 'all' }, { instances, lostNodes: new Set(['c']) })), [1, 2]);
  });

  it('of a type that runs on every node count one as missing where there is none', () => {
    const none = countInstances({ web: 'all' }, { instances: [], lostNodes: NONE });
    assert.deepEqual(none.down, [{ name: 'web.1', at: undefined }]);
    const lost = countInstances(
      { web: 'all' },
      { instances: [at('web.2', 'a', 'unknown')], lostNodes: new Set(['a']) },
    );
    assert.deepEqual([...numbers(lost), lost.down[0]?.name, lost.down[0]?.at?.node], [0, 1, 'web.2', 'a']);
  });

  it('count one of a higher number in the place of one that has none', () => {
    const counts = countInstances({ web: 2 }, { instances: [at('web.2', 'a'), at('web.3', 'b')], lostNodes: NONE });
    assert.deepEqual([...numbers(counts), counts.nodes], [2, 2, ['a', 'b']]);
    const starting = countInstances(
      { web: 2 },
      { instances: [at('web.2', 'a'), at('web.3', 'b', 'starting')], lostNodes: NONE },
    );
    assert.deepEqual(starting.down, [{ name: 'web.1', at: undefined }]);
  });

  it('leave out what is too many: it is about to go', () => {
    assert.deepEqual(
      numbers(countInstances({ web: 1 }, { instances: [at('web.1', 'a'), at('web.2', 'b')], lostNodes: NONE })),
      [1, 1],
    );
  });
});

function numbers({ live, desired }: { readonly live: number; readonly desired: number }): readonly number[] {
  return [live, desired];
}
