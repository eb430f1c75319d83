import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { plan, type ObservedInstance } from '../../../../agent/reconcile/plan.ts';
import { NEW_RECORD, type InstanceRecord } from '../../../../agent/reconcile/record.ts';
import { statusOf } from '../../../../agent/reconcile/status.ts';
import type { DesiredInstanceState } from '../../../../shared/domain/assignment.ts';
import { aDesiredState, anAssignment } from '../../../support/domain.ts';

function observed(over: Partial<ObservedInstance> = {}): ObservedInstance {
  const base = {
    instanceId: 'instance0001',
    phase: 'absent',
    record: NEW_RECORD,
    layersReady: false,
    drained: false,
    inProxy: false,
  } as const;
  return { ...base, startedAtMs: undefined, busy: undefined, ...over };
}

const live: InstanceRecord = { ...NEW_RECORD, everLive: true, liveStartedAtMs: 5 };
const running = { phase: 'running', startedAtMs: 5, record: live } as const;

function stepOf(desired: DesiredInstanceState | 'none', instance: ObservedInstance, nowMs = 100): string | undefined {
  const assignments = desired === 'none' ? [] : [anAssignment({ desired })];
  return plan(aDesiredState(assignments), [instance], nowMs).steps[0]?.kind;
}

describe('the plan of one instance', () => {
  it('fetches, launches, waits for the gate, then leaves it alone', () => {
    assert.equal(stepOf('run', observed()), 'fetch');
    assert.equal(stepOf('run', observed({ layersReady: true })), 'launch');
    assert.equal(stepOf('run', observed({ phase: 'running', startedAtMs: 5 })), 'gate');
    assert.equal(stepOf('run', observed(running)), undefined);
  });

  it('asks for a new gate when another process runs than the one that passed it', () => {
    assert.equal(stepOf('run', observed({ ...running, startedAtMs: 6 })), 'gate');
  });

  it('reaps an ended process and waits for its next start', () => {
    assert.equal(stepOf('run', observed({ phase: 'exited', record: live })), 'reap');
    const waiting = observed({ layersReady: true, record: { ...live, nextStartAtMs: 200 } });
    assert.equal(stepOf('run', waiting, 100), undefined);
    assert.equal(plan(aDesiredState([anAssignment()]), [waiting], 100).wakeAtMs, 200);
    assert.equal(stepOf('run', waiting, 200), 'launch');
  });

  it('does not start a failed instance again', () => {
    assert.equal(
      stepOf('run', observed({ record: { ...NEW_RECORD, failure: { code: 'SLIP_X', message: 'x' } } })),
      undefined,
    );
  });

  it('stops in order: out of the proxy, drain, terminate, destroy; then keeps only the record', () => {
    assert.equal(stepOf('stop', observed({ ...running, inProxy: true })), undefined);
    assert.equal(stepOf('stop', observed(running)), 'drain');
    assert.equal(stepOf('stop', observed({ ...running, drained: true })), 'terminate');
    assert.equal(stepOf('stop', observed({ phase: 'exited' })), 'destroy');
    assert.equal(stepOf('stop', observed()), undefined);
    assert.equal(stepOf('none', observed()), 'remove');
  });

  it('stops an instance that is not assigned', () => {
    assert.equal(stepOf('none', observed(running)), 'drain');
  });

  it('keeps a standby alive without traffic', () => {
    const next = plan(aDesiredState([anAssignment({ desired: 'standby' })]), [observed(running)], 100);
    assert.deepEqual(next.steps, []);
    assert.deepEqual([...next.backends], []);
  });
});

const anyInstance = fc.record({
  phase: fc.constantFrom('absent', 'prepared', 'running', 'exited'),
  startedAtMs: fc.constantFrom(5, 6),
  record: fc.constantFrom(
    NEW_RECORD,
    live,
    { ...live, nextStartAtMs: 150 },
    { ...NEW_RECORD, failure: { code: 'SLIP_X', message: 'x' } },
  ),
  layersReady: fc.boolean(),
  drained: fc.boolean(),
  inProxy: fc.boolean(),
  busy: fc.constantFrom(undefined, 'gate', 'launch'),
  desired: fc.constantFrom('run', 'standby', 'stop', 'none'),
});

describe('never', () => {
  const cases = fc.array(anyInstance, { maxLength: 6 }).map((all) => {
    const instances = all.map((one, i) =>
      observed({ ...one, busy: one.busy as ObservedInstance['busy'], instanceId: `instance000${String(i)}` }),
    );
    const assignments = all.flatMap((one, i) =>
      one.desired === 'none'
        ? []
        : [anAssignment({ instanceId: `instance000${String(i)}`, ordinal: i + 1, desired: one.desired })],
    );
    return { desired: aDesiredState(assignments), instances };
  });

  it('is traffic sent to an instance whose gate is closed or that is to stop', () => {
    fc.assert(
      fc.property(cases, ({ desired, instances }) => {
        for (const id of plan(desired, instances, 100).backends.get('app00001') ?? []) {
          const instance = instances.find((one) => one.instanceId === id);
          assert.ok(instance?.phase === 'running' && instance.record.liveStartedAtMs === instance.startedAtMs);
          assert.equal(desired.assignments.find((one) => one.instanceId === id)?.desired, 'run');
        }
      }),
    );
  });

  it('is an instance ended while the proxy may still send it requests, or given two steps at once', () => {
    fc.assert(
      fc.property(cases, ({ desired, instances }) => {
        const { steps } = plan(desired, instances, 100);
        assert.equal(new Set(steps.map((step) => step.instanceId)).size, steps.length);
        for (const step of steps) {
          const instance = instances.find((one) => one.instanceId === step.instanceId);
          assert.equal(instance?.busy, undefined);
          if (step.kind === 'terminate' || step.kind === 'drain') assert.equal(instance?.inProxy, false);
        }
      }),
    );
  });

  it('does the plan depend on the order of its input', () => {
    fc.assert(
      fc.property(cases, ({ desired, instances }) => {
        const turned = { ...desired, assignments: [...desired.assignments].reverse() };
        assert.deepEqual(plan(turned, [...instances].reverse(), 100), plan(desired, instances, 100));
      }),
    );
  });
});

describe('the report of one instance', () => {
  const state = (desired: DesiredInstanceState, instance: ObservedInstance): string =>
    statusOf(anAssignment({ desired }), instance, { nowMs: 100, timingsMs: {} }).state;

  it('follows the instance through its life', () => {
    assert.equal(state('run', observed()), 'pending');
    assert.equal(state('run', observed({ busy: 'fetch' })), 'fetching');
    assert.equal(state('run', observed({ phase: 'running', startedAtMs: 5 })), 'starting');
    assert.equal(state('run', observed({ ...running, inProxy: true })), 'live');
    assert.equal(state('run', observed({ record: { ...live, nextStartAtMs: 200 } })), 'backoff');
    assert.equal(state('stop', observed(running)), 'stopping');
    assert.equal(state('stop', observed()), 'stopped');
  });
});
