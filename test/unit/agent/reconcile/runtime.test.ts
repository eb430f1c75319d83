import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assign, enterState, newRuntime, type InstanceRuntime } from '../../../../agent/reconcile/runtime.ts';
import type { InstanceState } from '../../../../shared/domain/instance.ts';
import { anAssignment } from '../../../support/domain.ts';

function runtimeIn(state: InstanceState): InstanceRuntime {
  return { ...newRuntime('instance0001'), state };
}

describe('the states of an instance', () => {
  it('begin with any state, because an agent adopts running instances', () => {
    const runtime = newRuntime('instance0001');
    enterState(runtime, 'live');
    assert.equal(runtime.state, 'live');
  });

  it('follow the table', () => {
    const runtime = runtimeIn('starting');
    for (const state of ['starting', 'live', 'backoff', 'starting', 'stopping', 'stopped'] as const)
      enterState(runtime, state);
    assert.equal(runtime.state, 'stopped');
  });

  it('report an impossible transition, and go on from the observed state', () => {
    const runtime = runtimeIn('failed');
    assert.throws(() => enterState(runtime, 'live'), /A state cannot go from failed to live/);
    enterState(runtime, 'stopping');
    assert.equal(runtime.state, 'stopping');
  });

  it('start again when the controller wants a stopped instance once more', () => {
    const runtime = { ...runtimeIn('stopped'), assignment: anAssignment({ desired: 'stop' }) };
    assign(runtime, anAssignment({ desired: 'run' }));
    enterState(runtime, 'starting');
    assert.equal(runtime.state, 'starting');
  });
});
