import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isLeaveOver, LEAVE_MS, nextLeave, type Leave } from '../../../../controller/dispatch/restart-plan.ts';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import type { InstanceState, InstanceStatus } from '../../../../shared/domain/instance.ts';

const REASON = { code: 'SLIP_CHECK_LIVENESS', message: 'web.1 is restarted.' };

function status(state: InstanceState, over: Partial<InstanceStatus> = {}): InstanceStatus {
  return { instanceId: 'x' as InstanceId, state, restarts: 0, startedAtMs: 5, lastLines: [], timingsMs: {}, ...over };
}
const dead = status('live', { ready: false, reason: REASON });

function next(
  statuses: Readonly<Record<string, InstanceStatus>>,
  leaves: Readonly<Record<string, Leave>> = {},
  nowMs = 0,
) {
  const instances = Object.keys(statuses) as InstanceId[];
  const given = new Map(Object.entries(leaves) as [InstanceId, Leave][]);
  return nextLeave({ instances, statusOf: (id) => statuses[id], leaves: given, nowMs })?.instance;
}

describe('the leave for a restart', () => {
  const leave = { startedAtMs: 5, givenAtMs: 0 };

  it('goes to one instance after the other', () => {
    const up = status('live', { ready: true, startedAtMs: 9 });
    assert.equal(next({ a: up, b: up }), undefined);
    assert.equal(next({ a: dead, b: dead }), 'a');
    assert.equal(next({ a: dead, b: dead }, { a: leave }), undefined);
    assert.equal(next({ a: status('starting', { startedAtMs: undefined }), b: dead }, { a: leave }), undefined);
    assert.equal(next({ a: status('live', { startedAtMs: 9, ready: false }), b: dead }, { a: leave }), undefined);
    assert.equal(next({ a: up, b: dead }, { a: leave }), 'b');
  });

  it('is not for an instance that is not ready for another reason', () => {
    assert.equal(next({ a: { ...dead, reason: { ...REASON, code: 'SLIP_CHECK_READINESS' } } }), undefined);
  });

  it('ends when the instance is gone or takes too long, and not with its back-off', () => {
    assert.equal(next({ a: status('backoff'), b: dead }, { a: leave }), undefined);
    assert.equal(next({ a: status('failed'), b: dead }, { a: leave }), 'b');
    assert.equal(next({ a: status('starting'), b: dead }, { a: leave }, LEAVE_MS), 'b');
    assert.equal(isLeaveOver({ statusOf: () => undefined, nowMs: 0 }, 'a' as InstanceId, leave), true);
  });

  it('is never given while another instance restarts with a leave', () => {
    const anyStatus = fc.constantFrom(
      ...[
        dead,
        status('starting'),
        status('backoff'),
        status('live', { startedAtMs: 9, ready: true }),
        status('failed'),
      ],
    );
    const any = fc.array(fc.record({ status: anyStatus, hasLeave: fc.boolean() }), { maxLength: 5 });
    fc.assert(
      fc.property(any, (all) => {
        const named = all.map((one, at) => [`i${String(at)}`, one] as const);
        const statuses = Object.fromEntries(named.map(([id, one]) => [id, one.status]));
        const leaves = Object.fromEntries(named.flatMap(([id, one]) => (one.hasLeave ? [[id, leave]] : [])));
        const chosen = next(statuses, leaves);
        if (chosen === undefined) return;
        assert.equal(statuses[chosen], dead);
        for (const id of Object.keys(leaves)) {
          const over = isLeaveOver({ statusOf: (each) => statuses[each], nowMs: 0 }, id as InstanceId, leave);
          assert.ok(over, `${id} still restarts`);
        }
      }),
    );
  });
});
