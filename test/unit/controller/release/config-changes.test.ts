import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeChange, isSameConfig, namesThatChange } from '../../../../controller/release/config-changes.ts';
import { sealAll } from '../../../../shared/kit/sensitive.ts';

const config = sealAll({ A: '1', EMPTY: '' });

describe('a change of config vars', () => {
  it('names what is another value than before, was not there, or goes', () => {
    assert.deepEqual(namesThatChange(config, { B: '1', A: '2' }), ['A', 'B']);
    assert.deepEqual(namesThatChange(config, { A: undefined, EMPTY: undefined }), ['A', 'EMPTY']);
    assert.deepEqual(namesThatChange(config, { EMPTY: 'x', constructor: 'x' }), ['EMPTY', 'constructor']);
  });

  it('is none where all of it is so already', () => {
    assert.deepEqual(namesThatChange(config, { A: '1', EMPTY: '' }), []);
    assert.deepEqual(namesThatChange(config, { NOPE: undefined, constructor: undefined }), []);
  });

  it('is told from a release that lacks it, whose first try failed', () => {
    assert.equal(isSameConfig(config, sealAll({ EMPTY: '', A: '1' })), true);
    for (const other of [{ A: '1' }, { A: '1', EMPTY: '', B: '' }, { A: '2', EMPTY: '' }, { A: '1', constructor: '' }])
      assert.equal(isSameConfig(config, sealAll(other)), false);
  });

  it('is described as Heroku does, without what stayed as it was', () => {
    assert.equal(describeChange({ B: '1', A: '1' }, ['B']), 'Set B config vars');
    assert.equal(describeChange({ B: undefined, A: undefined }, ['A', 'B']), 'Unset A, B config vars');
    assert.equal(describeChange({ B: '1', A: '1' }, []), 'Set A, B config vars');
  });
});
