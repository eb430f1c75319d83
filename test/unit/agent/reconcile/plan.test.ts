import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { plan, type ObservedInstance } from '../../../../agent/reconcile/plan.ts';
import type { FailingCheck } from '../../../../agent/health/check-state.ts';
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

const FAILING = { label: 'check /up', answer: 'it answered 503', failures: 3, sinceMs: 100 };
const unready: FailingCheck = { ...FAILING, key: '0 readiness', type: 'readiness' };
const dead: FailingCheck = { ...FAILING, key: '1 liveness', type: 'liveness' };
const failingRecord = (...failing: readonly FailingCheck[]): InstanceRecord => ({
  ...live,
  health: { startedAtMs: 5, failing },
});

describe('the plan of an instance with health checks', () => {
  const backends = (instance: ObservedInstance): readonly string[] =>
    plan(aDesiredState([anAssignment()]), [instance], 100).backends.get(anAssignment().appId) ?? [];

  it('records a change of health, and the routes follow the record', () => {
    assert.equal(stepOf('run', observed({ ...running, inProxy: true, failing: [unready] })), 'mark');
    assert.deepEqual(backends(observed({ ...running, failing: [unready] })), ['instance0001']);
    const record = failingRecord(unready);
    assert.equal(stepOf('run', observed({ ...running, record, failing: [unready] })), undefined);
    assert.deepEqual(backends(observed({ ...running, record, failing: [unready] })), []);
    assert.equal(stepOf('run', observed({ ...running, record, failing: [] })), 'mark');
    assert.deepEqual(
      backends(observed({ ...running, record, startedAtMs: 6 })),
      [],
      'the gate of the next process is closed',
    );
  });

  it('keeps an unready instance out while a restarted agent has no answer yet', () => {
    assert.deepEqual(backends(observed({ ...running, record: failingRecord(unready) })), []);
  });

  it('restarts a dead process when the controller allows it, and by itself after a while', () => {
    const failed = observed({ ...running, record: failingRecord(dead), failing: [dead] });
    assert.equal(stepOf('run', failed, 200), undefined);
    assert.equal(stepOf('run', { ...failed, leaveStartedAtMs: 4 }, 200), undefined, 'that was another process');
    assert.equal(stepOf('run', { ...failed, leaveStartedAtMs: 5 }, 200), 'restart');
    assert.equal(stepOf('run', { ...failed, leaveStartedAtMs: 5, inProxy: true }, 200), undefined);
    const next = plan(aDesiredState([anAssignment({ ordinal: 1 })]), [failed], 200);
    assert.equal(next.wakeAtMs, 100 + 60_000);
    assert.equal(stepOf('run', failed, 100 + 60_000), 'restart');
    assert.equal(stepOf('standby', { ...failed, leaveStartedAtMs: 5 }, 200), 'restart');
    assert.equal(stepOf('stop', { ...failed, leaveStartedAtMs: 5 }, 200), 'drain');
  });

  it('restarts one instance of a process type at a time', () => {
    const failed = { ...running, record: failingRecord(dead), failing: [dead], leaveStartedAtMs: 5 };
    const [one, two] = ['instance0001', 'instance0002'].map((instanceId) => observed({ ...failed, instanceId }));
    const assignments = [1, 2].map((ordinal) => anAssignment({ instanceId: `instance000${String(ordinal)}`, ordinal }));
    const steps = (all: readonly ObservedInstance[]): readonly string[] =>
      plan(aDesiredState(assignments), all, 200).steps.map(({ kind, instanceId }) => `${kind} ${instanceId}`);
    assert.deepEqual(steps([one!, two!]), ['restart instance0001']);
    assert.deepEqual(steps([{ ...one!, busy: 'restart' }, two!]), []);
    const starting = observed({ ...one!, record: { ...live, liveStartedAtMs: 4 } });
    assert.deepEqual(steps([starting, two!]), ['gate instance0001']);
    const inBackOff = observed({ instanceId: 'instance0001', record: { ...live, nextStartAtMs: 5_000 } });
    assert.deepEqual(steps([inBackOff, two!]), ['restart instance0002']);
  });
});

const anyInstance = fc.record({
  phase: fc.constantFrom('absent', 'prepared', 'running', 'exited'),
  startedAtMs: fc.constantFrom(5, 6),
  record: fc.constantFrom(
    NEW_RECORD,
    live,
    { ...live, nextStartAtMs: 150 },
    failingRecord(unready),
    failingRecord(dead),
    { ...NEW_RECORD, failure: { code: 'SLIP_X', message: 'x' } },
  ),
  layersReady: fc.boolean(),
  drained: fc.boolean(),
  inProxy: fc.boolean(),
  failing: fc.constantFrom(undefined, [], [unready], [dead]),
  leaveStartedAtMs: fc.constantFrom(undefined, 5),
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
          assert.equal(instance.record.health, undefined, 'a recorded check fails');
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
          if (step.kind === 'terminate' || step.kind === 'drain' || step.kind === 'restart')
            assert.equal(instance?.inProxy, false);
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

  it('is live and not ready while a check fails', () => {
    const checks = [
      { type: 'readiness', probe: 'tcp', initialDelayMs: 0, timeoutMs: 1, attempts: 3, waitMs: 1 },
    ] as const;
    const report = (record: InstanceRecord, inProxy: boolean) =>
      statusOf(anAssignment({ checks }), observed({ ...running, record, inProxy }), { nowMs: 100, timingsMs: {} });
    const failing = report(failingRecord(unready), false);
    assert.deepEqual([failing.state, failing.ready, failing.reason?.code], ['live', false, 'SLIP_CHECK_READINESS']);
    const passing = report(live, true);
    assert.deepEqual([passing.state, passing.ready, passing.reason], ['live', true, undefined]);
    assert.equal(report(live, false).state, 'starting');
    const without = statusOf(anAssignment(), observed({ ...running, inProxy: true }), { nowMs: 100, timingsMs: {} });
    assert.equal(without.ready, undefined);
  });
});
