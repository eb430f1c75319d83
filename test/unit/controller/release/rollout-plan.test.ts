import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DEFAULT_ROLLOUT_POLICY,
  nextRolloutMove,
  strandedRows,
  type RolloutView,
} from '../../../../controller/release/rollout-plan.ts';
import type { InstanceId, NodeId } from '../../../../shared/domain/ids.ts';
import type { InstanceState, InstanceStatus } from '../../../../shared/domain/instance.ts';
import { aRow } from '../../../support/domain.ts';

function status(
  instanceId: string,
  state: InstanceState,
  over: Partial<InstanceStatus> = {},
): [InstanceId, InstanceStatus] {
  const id = instanceId as InstanceId;
  return [id, { instanceId: id, state, restarts: 0, lastLines: [], timingsMs: {}, ...over }];
}

function view(over: Partial<RolloutView>): RolloutView {
  const rows = [aRow({ instanceId: 'new', release: 2 }), aRow({ instanceId: 'old', release: 1 })];
  return {
    state: 'deploying',
    rows,
    version: 2,
    statuses: new Map(),
    wavesLeft: 0,
    missing: 0,
    away: new Set(),
    gone: new Set(),
    waveStartedAtMs: 0,
    nowMs: 10,
    policy: DEFAULT_ROLLOUT_POLICY,
    ...over,
  };
}

describe('rollout', () => {
  it('waits while the new instance starts', () => {
    const move = nextRolloutMove(view({ statuses: new Map([status('new', 'starting'), status('old', 'live')]) }));
    assert.deepEqual(move, { kind: 'wait', untilMs: 120_000 });
  });

  it('switches only when every new instance is live and no wave remains', () => {
    const statuses = new Map([status('new', 'live'), status('old', 'live')]);
    assert.equal(nextRolloutMove(view({ statuses, wavesLeft: 1 })).kind, 'nextWave');
    assert.equal(nextRolloutMove(view({ statuses })).kind, 'switch');
  });

  it('settles after the switch, then completes', () => {
    const statuses = new Map([status('new', 'live')]);
    assert.deepEqual(nextRolloutMove(view({ statuses, switchedAtMs: 100, nowMs: 200 })), {
      kind: 'wait',
      untilMs: 3_100,
    });
    assert.equal(nextRolloutMove(view({ statuses, switchedAtMs: 100, nowMs: 3_100 })).kind, 'complete');
  });

  it('completes when the old instances have left the proxies, are unreachable, or do not leave in time', () => {
    const rows = [aRow({ instanceId: 'new', release: 2 }), aRow({ instanceId: 'old', release: 1, desired: 'standby' })];
    const at = (nowMs: number, serving: boolean | undefined): unknown => {
      const statuses = new Map([status('new', 'live', { serving: true }), status('old', 'live', { serving })]);
      return nextRolloutMove(view({ rows, statuses, switchedAtMs: 100, nowMs }));
    };
    assert.deepEqual(at(3_100, true), { kind: 'wait', untilMs: 13_100 });
    assert.deepEqual(at(13_100, true), { kind: 'complete' });
    for (const serving of [false, undefined]) assert.deepEqual(at(3_100, serving), { kind: 'complete' });
  });

  it('fails when a new instance fails, and carries its reason and last lines', () => {
    const reason = { code: 'SLIP_APP_EXITED', message: 'web.1 exited with status 7 before it was ready.' };
    const move = nextRolloutMove(
      view({ statuses: new Map([status('new', 'failed', { reason, lastLines: ['boom'] })]) }),
    );
    assert.ok(move.kind === 'fail');
    assert.deepEqual([move.failure.code, move.failure.lastLines], ['SLIP_APP_EXITED', ['boom']]);
  });

  it('fails when a live instance crashes while settling', () => {
    const lastExit = { code: 9, oomKilled: false, atMs: 150 };
    const statuses = new Map([status('new', 'live', { restarts: 1, lastExit })]);
    const move = nextRolloutMove(view({ statuses, switchedAtMs: 100, nowMs: 200 }));
    assert.equal(move.kind === 'fail' && move.failure.message, 'The app exited with status 9 soon after its start.');
  });

  it('waits for the report that says how an instance ended', () => {
    const statuses = new Map([status('new', 'backoff')]);
    assert.equal(nextRolloutMove(view({ statuses, switchedAtMs: 100, nowMs: 200 })).kind, 'wait');
  });

  it('ignores a crash of the old release', () => {
    const statuses = new Map([status('new', 'live'), status('old', 'backoff')]);
    assert.equal(nextRolloutMove(view({ statuses })).kind, 'switch');
  });

  it('gives up on an instance that never reports', () => {
    const move = nextRolloutMove(view({ nowMs: 120_000 }));
    assert.equal(move.kind === 'fail' && move.failure.code, 'SLIP_RELEASE_TIMEOUT');
  });

  it('fails at once on a full disk, and reports other reasons at the end', () => {
    const stuck = (code: string): Pick<InstanceStatus, 'reason'> => ({
      reason: { code, message: 'The layers do not come.', hint: 'Wait.' },
    });
    const full = nextRolloutMove(view({ statuses: new Map([status('new', 'pending', stuck('SLIP_DISK_FULL'))]) }));
    assert.equal(full.kind === 'fail' && full.failure.code, 'SLIP_DISK_FULL');
    const statuses = new Map([status('new', 'fetching', stuck('SLIP_IMAGE_TRANSFER'))]);
    assert.equal(nextRolloutMove(view({ statuses })).kind, 'wait');
    const late = nextRolloutMove(view({ statuses, nowMs: 120_000 }));
    assert.ok(late.kind === 'fail');
    assert.equal(late.failure.message, 'web.1 did not become ready within 120 s: The layers do not come.');
    assert.equal(late.failure.hint, 'Wait.');
  });

  it('completes an app that is scaled to zero', () => {
    assert.equal(nextRolloutMove(view({ rows: [], switchedAtMs: 0, nowMs: 3_000 })).kind, 'complete');
  });

  describe('when a node disconnects', () => {
    const here = new Set(['node0001' as NodeId]);
    const live = new Map([status('new', 'live')]);
    const starting = new Map([status('new', 'starting')]);

    it('does not use reports from before a node disconnected', () => {
      assert.equal(nextRolloutMove(view({ statuses: live, away: here })).kind, 'wait');
      assert.equal(nextRolloutMove(view({ statuses: live })).kind, 'switch');
    });

    it('completes after the switch even if a node is lost, because lost instances are replaced later', () => {
      const switched = { statuses: live, away: here, gone: here, switchedAtMs: 0, nowMs: 3_000 };
      assert.equal(nextRolloutMove(view(switched)).kind, 'complete');
      assert.deepEqual(strandedRows(view(switched)), []);
    });

    it('places its new instances on other nodes when it is unreachable, but not the old ones', () => {
      assert.deepEqual(strandedRows(view({ statuses: starting, away: here })), []);
      const stranded = strandedRows(view({ statuses: starting, away: here, gone: here }));
      assert.deepEqual(
        stranded.map((row) => row.instanceId),
        ['new'],
      );
    });

    it('does not fail before it is known whether the node is lost', () => {
      const late = { statuses: starting, nowMs: 120_000 };
      assert.deepEqual(nextRolloutMove(view({ ...late, away: here })), { kind: 'wait', untilMs: 123_000 });
      const gone = nextRolloutMove(view({ ...late, away: here, gone: here }));
      const message = 'web.1 did not become ready within 120 s: its node disconnected, and no other node has room.';
      assert.equal(gone.kind === 'fail' && gone.failure.message, message);
    });

    it('does not switch to fewer instances because a node was removed', () => {
      assert.equal(nextRolloutMove(view({ statuses: live, missing: 1 })).kind, 'wait');
      assert.equal(nextRolloutMove(view({ rows: [], missing: 1 })).kind, 'wait');
    });
  });
});
