import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuilderPool } from '../../../../controller/build/builder-pool.ts';
import type { BuilderNode } from '../../../../controller/build/port.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import type { RequiredLabels } from '../../../../shared/domain/placement.ts';

const APP = { id: 'a1', stack: 'host' };

function node(name: string, change: Partial<BuilderNode> = {}): BuilderNode {
  const idle = { runningTasks: 0, cachedApps: new Set<string>(), stacks: ['host'], labels: {}, cordoned: false };
  return { nodeId: name as NodeId, name, ...idle, ...change };
}

function poolOf(nodes: readonly BuilderNode[], required: RequiredLabels = {}) {
  const stored: RequiredLabels[] = [];
  const store = {
    setBuilderLabels: (labels: RequiredLabels) => {
      stored.push(labels);
      return Promise.resolve();
    },
  };
  return { pool: new BuilderPool({ store, builders: { available: () => nodes } }, required), stored };
}

const refusalOf = (nodes: readonly BuilderNode[], required?: RequiredLabels): string => {
  try {
    return poolOf(nodes, required).pool.choose(APP).name;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('the builder of a build', () => {
  it('is the least busy one, then one with the cache of the app, then the lowest id', () => {
    assert.equal(refusalOf([node('b'), node('a')]), 'a');
    assert.equal(refusalOf([node('a'), node('b', { cachedApps: new Set([APP.id]) })]), 'b');
    assert.equal(refusalOf([node('a'), node('b', { cachedApps: new Set([APP.id]), runningTasks: 1 })]), 'a');
  });

  it('is never a node that lacks a label, is cordoned, or has another stack', () => {
    const busy = node('z', { labels: { role: 'build' }, runningTasks: 9 });
    assert.equal(refusalOf([node('a'), node('b', { labels: { role: 'run' } }), busy], { role: 'build' }), 'z');
    assert.equal(refusalOf([node('a', { cordoned: true }), node('b', { stacks: ['debian-12'] }), busy]), 'z');
  });

  it('needs the label itself, not what every object of the language has', () => {
    const said = refusalOf([node('a')], { constructor: 'x' });
    assert.equal(
      said,
      'No connected node may build this app: a: it has no label constructor, constructor=x is required.',
    );
    assert.equal(refusalOf([node('a', { labels: { constructor: 'x' } })], { constructor: 'x' }), 'a');
  });

  it('is absent when no node may build, and the error names the reason of each node', () => {
    assert.equal(refusalOf([]), 'No builder is connected, so nothing can be built.');
    const three = [node('a', { cordoned: true }), node('b', { stacks: [] }), node('c', { labels: { role: 'run' } })];
    const labelled = three.slice(0, 2).map((one) => ({ ...one, labels: { role: 'build' } }));
    assert.equal(
      refusalOf([...labelled, three[2]!], { role: 'build' }),
      'No connected node may build this app: a: it is cordoned and gets no new builds; b: it does not have the stack host; ' +
        'c: it has role=run, role=build is required.',
    );
  });

  it('follows a change of the rule at the next build, and the rule is stored', async () => {
    const { pool, stored } = poolOf([node('a', { labels: { role: 'build' } }), node('b')]);
    assert.equal(pool.hasBuilder(), true);
    await pool.require({ role: 'none' });
    assert.equal(pool.hasBuilder(), false);
    await pool.require({ role: 'build' });
    assert.equal(pool.choose(APP).name, 'a');
    assert.deepEqual(stored, [{ role: 'none' }, { role: 'build' }]);
  });
});
