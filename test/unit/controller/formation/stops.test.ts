import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterStart, afterStop } from '../../../../controller/formation/stops.ts';

describe('what is stopped', () => {
  it('after a stop: all, or the types of each stop once', () => {
    assert.equal(afterStop(undefined, undefined), 'all');
    assert.equal(afterStop('all', 'web'), 'all');
    assert.deepEqual(afterStop(undefined, 'worker'), ['worker']);
    assert.deepEqual(afterStop(['worker'], 'clock'), ['clock', 'worker']);
    assert.deepEqual(afterStop(['worker'], 'worker'), ['worker']);
  });

  it('after a start: nothing, or the other types', () => {
    const types = ['web', 'worker', 'clock'];
    assert.equal(afterStart('all', undefined, types), undefined);
    assert.deepEqual(afterStart('all', 'web', types), ['clock', 'worker']);
    assert.deepEqual(afterStart(['worker', 'clock'], 'clock', types), ['worker']);
    assert.equal(afterStart(['worker'], 'worker', types), undefined);
    assert.equal(afterStart('all', 'web', ['web']), undefined);
  });
});
