import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decideAcceptance } from '../../../../agent/reconcile/accept.ts';
import { resolveWithheld } from '../../../../agent/reconcile/withheld.ts';
import type { Assignment, DesiredState } from '../../../../shared/domain/assignment.ts';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import { anyAssignment } from '../../../support/arbitraries.ts';

const [sample] = fc.sample(anyAssignment, { numRuns: 1, seed: 7 });

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
  it('go on as the ledger knows them, with the wish that came', () => {
    const ledger = state({ assignments: [instance(1), instance(2)] });
    const [first] = withheld(1);
    const offered = state({ generation: 11, assignments: [instance(3)], withheld: [{ ...first!, desired: 'stop' }] });
    const resolved = resolveWithheld(ledger, offered);
    assert.deepEqual(resolved.assignments, [instance(3), instance(1, { desired: 'stop' })]);
    assert.equal(resolved.withheld, undefined);
  });

  it('are not started where the ledger does not know them, and count as no mass stop', () => {
    assert.deepEqual(resolveWithheld(undefined, state({ withheld: withheld(1) })), state({ withheld: withheld(1) }));
    const ten = Array.from({ length: 10 }, (_, index) => instance(index + 1));
    const offered = state({ generation: 11, withheld: withheld(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) });
    assert.deepEqual(
      decideAcceptance(state({ assignments: ten }), resolveWithheld(state({ assignments: ten }), offered)),
      {
        accepted: true,
        changed: true,
      },
    );
  });

  it('are the same again under the same generation', () => {
    const ledger = state({ assignments: [instance(1)], generation: 9 });
    const offered = state({ withheld: withheld(1, 2) });
    const accepted = resolveWithheld(ledger, offered);
    assert.deepEqual(decideAcceptance(accepted, resolveWithheld(accepted, offered)), {
      accepted: true,
      changed: false,
    });
  });

  it('may come in the next life of the controller, whose limits are others', () => {
    const ledger = state({ assignments: [instance(1)], withheld: withheld(2) });
    const next = state({ epoch: { counter: 6, id: 'life-b' }, assignments: [instance(1), instance(2)] });
    assert.deepEqual(decideAcceptance(ledger, next), { accepted: true, changed: true });
    const changed = { ...next, assignments: [instance(1, { release: 99 }), instance(2)] };
    assert.equal(decideAcceptance(ledger, changed).accepted, false);
  });
});
