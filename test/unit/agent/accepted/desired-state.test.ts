import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decideDesiredState } from '../../../../agent/accepted/desired-state.ts';
import type { Assignment, DesiredState } from '../../../../shared/domain/assignment.ts';
import type { HealthCheck } from '../../../../shared/domain/health-check.ts';
import type { AppId, InstanceId } from '../../../../shared/domain/ids.ts';
import { Sensitive } from '../../../../shared/kit/sensitive.ts';
import { anyAssignment, anyDesiredState } from '../../../support/arbitraries.ts';

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

const CHECK: HealthCheck = {
  ...{ type: 'readiness', probe: 'http', path: '/up', headers: {} },
  ...{ initialDelayMs: 0, timeoutMs: 5_000, attempts: 3, waitMs: 5_000 },
};

function codeOf(accepted: DesiredState | undefined, offered: DesiredState): string {
  const decision = decideDesiredState(accepted, offered);
  return decision.accepted ? 'accepted' : decision.reason.code;
}

/** Whether the state on disk changes; undefined for a refusal. */
function changes(accepted: DesiredState | undefined, offered: DesiredState): boolean | undefined {
  const decision = decideDesiredState(accepted, offered);
  return decision.accepted ? decision.changed : undefined;
}

const many = (count: number, changes: Partial<Assignment> = {}): Assignment[] =>
  Array.from({ length: count }, (_, index) => instance(index + 1, changes));

describe('generation', () => {
  it('refuses an older generation, also after a restart of the controller', () => {
    assert.equal(codeOf(state(), state({ generation: 9 })), 'SLIP_DESIRED_OLD_GENERATION');
    assert.equal(
      codeOf(state(), state({ generation: 9, epoch: { counter: 6, id: 'life-b' } })),
      'SLIP_DESIRED_OLD_GENERATION',
    );
  });

  it('accepts the same generation with the same content in any order, and changes nothing', () => {
    const accepted = state({ assignments: [instance(1), instance(2)] });
    const again = state({ assignments: [instance(2), instance(1)] });
    assert.equal(changes(accepted, again), false);
  });

  it('equal, with health checks that a former agent could not run: they are accepted and written', () => {
    const before = state({ assignments: [instance(1, { checks: undefined })] });
    const after = state({ assignments: [instance(1, { checks: [CHECK] })] });
    assert.deepEqual([changes(before, after), changes(after, after)], [true, false]);
  });

  it('refuses other content under the same generation, even if only a secret or the order of layers differs', () => {
    const accepted = state({ assignments: [instance(1)] });
    assert.equal(codeOf(accepted, state({ assignments: [instance(1, { release: 99 })] })), 'SLIP_DESIRED_CONFLICT');
    const leaked = instance(1, { config: { ...sample!.config, EXTRA: new Sensitive('x') } });
    assert.equal(codeOf(accepted, state({ assignments: [leaked] })), 'SLIP_DESIRED_CONFLICT');
    const [layer] = sample!.layers;
    const layers = [layer!, { ...layer!, name: 'other' }];
    const stacked = state({ assignments: [instance(1, { layers })] });
    assert.equal(
      codeOf(stacked, state({ assignments: [instance(1, { layers: layers.toReversed() })] })),
      'SLIP_DESIRED_CONFLICT',
    );
  });

  it('accepts a newer generation', () => {
    assert.equal(changes(state(), state({ generation: 11 })), true);
  });

  it('a new agent accepts any first state', () => {
    fc.assert(
      fc.property(anyDesiredState, (any) => {
        assert.equal(changes(undefined, any), true);
        assert.equal(changes(any, any), false);
      }),
    );
  });
});

describe('epoch', () => {
  it('refuses a lower epoch counter even with a newer generation', () => {
    assert.equal(
      codeOf(state(), state({ generation: 50, epoch: { counter: 4, id: 'life-z' } })),
      'SLIP_DESIRED_OLD_EPOCH',
    );
  });

  it('refuses the same epoch counter with another id, because that controller is a copy', () => {
    assert.equal(
      codeOf(state(), state({ generation: 50, epoch: { counter: 5, id: 'copy' } })),
      'SLIP_DESIRED_OTHER_CONTROLLER',
    );
  });

  it('a restarted controller may send the same assignments, and other routes', () => {
    const epoch = { counter: 6, id: 'life-b' };
    const accepted = state({ assignments: [instance(1)] });
    assert.equal(codeOf(accepted, state({ epoch, assignments: [instance(1)] })), 'accepted');
    const route = { hostname: 'a.example.com', appId: sample!.appId, app: sample!.app };
    assert.equal(codeOf(accepted, state({ epoch, assignments: [instance(1)], routes: [route] })), 'accepted');
    assert.equal(codeOf(accepted, state({ epoch, assignments: [instance(2)] })), 'SLIP_DESIRED_CONFLICT');
  });
});

describe('mass stop', () => {
  const accepted = state({ assignments: many(10) });
  const next = (assignments: Assignment[], massStopReason = ''): DesiredState =>
    state({ generation: 11, assignments, massStopReason });

  it('refuses to lose more than 30 % and at least 5 instances, whether they are missing or must stop', () => {
    assert.equal(codeOf(accepted, next(many(5))), 'SLIP_DESIRED_MASS_STOP');
    assert.equal(codeOf(accepted, next([])), 'SLIP_DESIRED_MASS_STOP');
    assert.equal(codeOf(accepted, next(many(10, { desired: 'stop' }))), 'SLIP_DESIRED_MASS_STOP');
  });

  it('accepts the end of all instances of destroyed apps, but not of other apps', () => {
    const destroyed = accepted.assignments.map(({ appId, uidBase }) => ({ appId, uidBase }));
    assert.equal(codeOf(accepted, { ...next([]), destroyed }), 'accepted');
    assert.equal(
      codeOf(accepted, { ...next([]), destroyed: [{ appId: 'otherapp00' as AppId, uidBase: 65_536 }] }),
      'SLIP_DESIRED_MASS_STOP',
    );
    assert.equal(
      codeOf(accepted, { ...accepted, destroyed }),
      'accepted',
      'the list is not part of what a generation means',
    );
  });

  it('keeps apps that the controller does not know, because its database may be older than they are', () => {
    const unknown = accepted.assignments.map(({ appId }) => ({ appId, uidBase: 0 }));
    assert.equal(codeOf(accepted, { ...next([]), destroyed: unknown }), 'SLIP_DESIRED_MASS_STOP');
  });

  it('a change of the list of destroyed apps alone is a change', () => {
    const destroyed = [{ appId: 'otherapp00' as AppId, uidBase: 65_536 }];
    const named = { ...accepted, destroyed };
    assert.deepEqual([changes(accepted, named), changes(named, named), changes(named, accepted)], [true, false, true]);
  });

  it('a refusal names each solution: a newer backup, a push, or an agent without its file', () => {
    const refused = decideDesiredState(accepted, next([]));
    const hint = refused.accepted ? '' : (refused.reason.hint ?? '');
    for (const words of [
      /node controller\/main\.ts restored --config FILE/,
      /push these apps again/,
      /remove desired\.json/,
    ])
      assert.match(hint, words);
    assert.equal(decideDesiredState(undefined, next([])).accepted, true, 'an agent without its file obeys');
  });

  it('accepts the loss of 4 of 10 or 5 of 17 instances', () => {
    assert.equal(codeOf(accepted, next(many(6))), 'accepted');
    assert.equal(codeOf(state({ assignments: many(17) }), next(many(12))), 'accepted');
    assert.equal(codeOf(state({ assignments: many(4) }), next([])), 'accepted');
  });

  it('a named operation may stop everything', () => {
    assert.equal(codeOf(accepted, next([], 'destroy of hello')), 'accepted');
  });

  it('a new release in the same places is a replacement', () => {
    const fresh = many(10, { release: 99 }).map((one) => ({
      ...one,
      instanceId: `new${one.instanceId}` as InstanceId,
    }));
    assert.equal(codeOf(accepted, next(fresh)), 'accepted');
  });
});
