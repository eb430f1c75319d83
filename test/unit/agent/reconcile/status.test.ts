import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObservedInstance } from '../../../../agent/reconcile/plan.ts';
import { afterCrash, afterGate, NEW_RECORD } from '../../../../agent/reconcile/record.ts';
import { statusOf } from '../../../../agent/reconcile/status.ts';
import type { Assignment } from '../../../../shared/domain/assignment.ts';
import type { ProcessType } from '../../../../shared/domain/names.ts';
import { anAssignment } from '../../../support/domain.ts';

const crash = {
  reason: { code: 'SLIP_APP_EXITED', message: 'web.1 exited with status 9.' },
  exit: { code: 9, oomKilled: false, atMs: 1000 },
  lastLines: ['out of luck'],
  ranMs: 500,
};
const at = { nowMs: 1000, timingsMs: {} };

function observed(over: Partial<ObservedInstance>): ObservedInstance {
  return {
    instanceId: 'i1',
    phase: 'absent',
    record: NEW_RECORD,
    layersReady: true,
    drained: false,
    inProxy: false,
    busy: undefined,
    ...over,
  };
}

describe('the report of an instance to the controller', () => {
  const crashed = afterCrash(afterGate(NEW_RECORD, 5), crash, { nowMs: 1000, random: 0 });

  it('has the last output of a crash also when the next start has begun', () => {
    const status = statusOf(anAssignment(), observed({ record: crashed, busy: 'launch' }), at);
    assert.equal(status.state, 'starting');
    assert.equal(status.reason?.code, 'SLIP_APP_EXITED');
    assert.deepEqual(status.lastLines, ['out of luck']);
  });

  it('has the reason of a failed step until the instance is up', () => {
    const stepFailure = { code: 'SLIP_DISK_FULL', message: 'full' };
    assert.deepEqual(statusOf(anAssignment(), observed({}), { ...at, stepFailure }).reason, stepFailure);
    const crashed = observed({ record: afterCrash(afterGate(NEW_RECORD, 7), crash, { nowMs: 1000, random: 0 }) });
    assert.deepEqual(
      statusOf(anAssignment(), crashed, { ...at, stepFailure }).reason,
      stepFailure,
      'newer than why it ended',
    );
    const up = observed({ record: afterGate(NEW_RECORD, 7), phase: 'running', startedAtMs: 7, inProxy: true });
    assert.equal(statusOf(anAssignment(), up, { ...at, stepFailure }).reason, undefined);
  });

  it('is live only when the proxy routes to the instance, so that the old one can be removed', () => {
    const up = { record: afterGate(NEW_RECORD, 7), phase: 'running', startedAtMs: 7 } as const;
    const stateOf = (changes: Partial<Assignment>, inProxy: boolean): string =>
      statusOf(anAssignment(changes), observed({ ...up, inProxy }), at).state;
    assert.equal(stateOf({ processType: 'web' as ProcessType }, false), 'starting');
    assert.equal(stateOf({ processType: 'web' as ProcessType }, true), 'live');
    assert.equal(stateOf({ processType: 'web' as ProcessType, desired: 'standby' }, false), 'live');
    assert.equal(stateOf({ processType: 'worker' as ProcessType }, false), 'live');
    for (const inProxy of [false, true])
      assert.equal(statusOf(anAssignment(), observed({ ...up, inProxy }), at).serving, inProxy);
  });

  it('drops the last output when the instance is up again', () => {
    const status = statusOf(
      anAssignment(),
      observed({ record: afterGate(crashed, 7), phase: 'running', startedAtMs: 7, inProxy: true }),
      at,
    );
    assert.deepEqual([status.state, status.restarts, status.reason, status.lastLines], ['live', 1, undefined, []]);
  });
});
