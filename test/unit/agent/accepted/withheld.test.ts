import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decideDesiredState } from '../../../../agent/accepted/desired-state.ts';
import { resolveWithheld } from '../../../../agent/accepted/withheld.ts';
import type { Assignment, DesiredState } from '../../../../shared/domain/assignment.ts';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import { anyAssignment } from '../../../support/arbitraries.ts';

const [sample] = fc.sample(anyAssignment, { numRuns: 1, seed: 7 });

/** Whether the state on disk changes; undefined for a refusal. */
function changes(accepted: DesiredState, offered: DesiredState): boolean | undefined {
  const decision = decideDesiredState(accepted, offered);
  return decision.accepted ? decision.changed : undefined;
}

function instance(ordinal: number, changes: Partial<Assignment> = {}): Assignment {
  return {
    ...sample!,
    instanceId: `instance${String(ordinal).padStart(4, '0')}` as InstanceId,
    ordinal,
    desired: 'run',
    ...changes,
  };
}

function state(changes: Partial<DesiredState> = {}): DesiredState {
  return {
    epoch: { counter: 5, id: 'life-a' },
    generation: 10,
    assignments: [],
    routes: [],
    massStopReason: '',
    ...changes,
  };
}

const withheld = (...ordinals: readonly number[]) =>
  ordinals.map((ordinal) => ({ instanceId: instance(ordinal).instanceId, desired: 'run' as const }));

describe('instances whose release was withheld', () => {
  it('keep their accepted content and get the new desired state', () => {
    const accepted = state({ assignments: [instance(1), instance(2)] });
    const [first] = withheld(1);
    const offered = state({ generation: 11, assignments: [instance(3)], withheld: [{ ...first!, desired: 'stop' }] });
    const resolved = resolveWithheld(accepted, offered);
    assert.deepEqual(resolved.assignments, [instance(3), instance(1, { desired: 'stop' })]);
    assert.equal(resolved.withheld, undefined);
  });

  it('are not started without accepted content, and do not count as a mass stop', () => {
    assert.deepEqual(resolveWithheld(undefined, state({ withheld: withheld(1) })), state({ withheld: withheld(1) }));
    const ten = Array.from({ length: 10 }, (_, index) => instance(index + 1));
    const offered = state({ generation: 11, withheld: withheld(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) });
    const accepted = state({ assignments: ten });
    assert.equal(changes(accepted, resolveWithheld(accepted, offered)), true);
  });

  it('are accepted again under the same generation', () => {
    const accepted = state({ assignments: [instance(1)], generation: 9 });
    const offered = state({ withheld: withheld(1, 2) });
    const resolved = resolveWithheld(accepted, offered);
    assert.equal(changes(resolved, resolveWithheld(resolved, offered)), false);
  });

  it('are accepted after a restart of the controller with other limits', () => {
    const accepted = state({ assignments: [instance(1)], withheld: withheld(2) });
    const next = state({ epoch: { counter: 6, id: 'life-b' }, assignments: [instance(1), instance(2)] });
    assert.equal(changes(accepted, next), true);
    const changed = { ...next, assignments: [instance(1, { release: 99 }), instance(2)] };
    assert.equal(decideDesiredState(accepted, changed).accepted, false);
  });
});
