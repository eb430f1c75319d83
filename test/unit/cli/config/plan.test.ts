import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isEmpty, planMerge, planReplace, renderPlan } from '../../../../cli/config/plan.ts';

const FROM = { SAME: '1', NEW: '2', OTHER: '3' };
const TO = { SAME: '1', OTHER: 'x', MINE: 'y' };

describe('the plan of a change of config vars', () => {
  it('adds new names, and keeps other values and other names', () => {
    const plan = planMerge({ from: FROM, to: TO, overwrite: false });
    assert.deepEqual(plan, { changes: { NEW: '2' }, added: ['NEW'], replaced: [], removed: [], kept: ['OTHER'] });
    assert.equal(renderPlan(plan), '  +  NEW    new\n     OTHER  keeps its other value; --overwrite replaces it\n');
  });

  it('replaces other values with --overwrite, and still removes nothing', () => {
    const plan = planMerge({ from: FROM, to: TO, overwrite: true });
    assert.deepEqual([plan.changes, plan.replaced], [{ NEW: '2', OTHER: '3' }, ['OTHER']]);
  });

  it('of an edit removes the names whose lines were removed', () => {
    const plan = planReplace({ from: FROM, to: TO });
    assert.deepEqual(plan.changes, { NEW: '2', OTHER: '3', MINE: null });
    assert.ok(isEmpty(planReplace({ from: TO, to: TO })));
  });

  it('takes names of Object.prototype as names', () => {
    assert.deepEqual(planMerge({ from: { constructor: '1' }, to: {}, overwrite: false }).added, ['constructor']);
  });
});
