import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { planMoves, type MoverNode, type MoverRow, type MoverView } from '../../../../controller/movement/plan.ts';
import type { InstanceId, NodeId } from '../../../../shared/domain/ids.ts';
import type { InstanceState } from '../../../../shared/domain/instance.ts';

const HERE: MoverNode = { connected: true, draining: false, lost: false };
const DRAINING: MoverNode = { ...HERE, draining: true };
const SILENT: MoverNode = { ...HERE, connected: false };
const LOST: MoverNode = { ...SILENT, lost: true };

interface Copy {
  readonly id: string;
  readonly on: MoverNode;
  readonly state?: InstanceState;
  readonly startedAtMs?: number;
  readonly ordinal?: number;
  readonly row?: Partial<MoverRow>;
}

function viewOf(copies: readonly Copy[], wanted: MoverView['wanted'] = { web: 1 }): MoverView {
  return {
    rows: copies.map(({ id, ordinal = 1, row }) => ({
      ...{ instanceId: id as InstanceId, nodeId: `on-${id}` as NodeId, release: 3 },
      ...{ processType: 'web', ordinal, desired: 'run' as const, ...row },
    })),
    release: 3,
    wanted,
    nodes: new Map(copies.map(({ id, on, row }) => [row?.nodeId ?? (`on-${id}` as NodeId), on])),
    statuses: new Map(
      copies.flatMap(({ id, state, startedAtMs }) =>
        state === undefined ? [] : [[id as InstanceId, { state, startedAtMs }]],
      ),
    ),
  };
}

function decide(copies: readonly Copy[], wanted?: MoverView['wanted']): Record<string, string[]> {
  const plan = planMoves(viewOf(copies, wanted));
  return {
    ends: plan.ends.map(({ row, why }) => `${row.instanceId} ${why}`),
    leaving: plan.leaving.map(({ row, reason }) => `${row.instanceId} ${reason}`),
  };
}

const replaces = (id: string, moveReason: MoverRow['moveReason'] = 'lost'): Partial<MoverRow> => ({
  replaces: id as InstanceId,
  moveReason,
});
const REPLACEMENT = { id: 'b', on: HERE, row: replaces('a') };

describe('one slot', () => {
  const cases: readonly [string, readonly Copy[], Record<string, string[]>][] = [
    ['stays where it is', [{ id: 'a', on: HERE, state: 'live' }], { ends: [], leaving: [] }],
    ['stays while its node is merely silent', [{ id: 'a', on: SILENT, state: 'live' }], { ends: [], leaving: [] }],
    ['is copied when its node is lost', [{ id: 'a', on: LOST, state: 'live' }], { ends: [], leaving: ['a lost'] }],
    [
      'is copied when its node is drained',
      [{ id: 'a', on: DRAINING, state: 'live' }],
      { ends: [], leaving: ['a drain'] },
    ],
    [
      'is not copied twice',
      [
        { id: 'a', on: DRAINING, state: 'live' },
        { ...REPLACEMENT, state: 'starting' },
      ],
      { ends: [], leaving: [] },
    ],
    [
      'leaves a drained node once its copy is live',
      [
        { id: 'a', on: DRAINING, state: 'live', startedAtMs: 1 },
        { ...REPLACEMENT, state: 'live', startedAtMs: 2 },
      ],
      { ends: ['a moved'], leaving: [] },
    ],
    [
      'is beyond reach on a lost node',
      [
        { id: 'a', on: LOST, state: 'live' },
        { ...REPLACEMENT, state: 'live' },
      ],
      { ends: [], leaving: [] },
    ],
    [
      'is copied again when its copy is lost too',
      [
        { id: 'a', on: LOST },
        { ...REPLACEMENT, on: LOST },
      ],
      { ends: [], leaving: ['b lost'] },
    ],
    [
      'that ran longer stays when its node returns',
      [
        { id: 'a', on: HERE, state: 'live', startedAtMs: 1 },
        { ...REPLACEMENT, state: 'live', startedAtMs: 2 },
      ],
      { ends: ['b double'], leaving: [] },
    ],
    [
      'that started anew goes when its node returns',
      [
        { id: 'a', on: HERE, state: 'live', startedAtMs: 3 },
        { ...REPLACEMENT, state: 'live', startedAtMs: 2 },
      ],
      { ends: ['a double'], leaving: [] },
    ],
    [
      'that is only starting on the returned node goes',
      [
        { id: 'a', on: HERE, state: 'starting', startedAtMs: 3 },
        { ...REPLACEMENT, state: 'live', startedAtMs: 2 },
      ],
      { ends: ['a double'], leaving: [] },
    ],
    [
      'that an agent has just taken up again gets the time to say so',
      [
        { id: 'a', on: HERE, state: 'starting', startedAtMs: 1 },
        { ...REPLACEMENT, state: 'live', startedAtMs: 2 },
      ],
      { ends: [], leaving: [] },
    ],
    [
      'of a returned node that has not reported yet is left alone',
      [
        { id: 'a', on: HERE },
        { ...REPLACEMENT, state: 'live', startedAtMs: 2 },
      ],
      { ends: [], leaving: [] },
    ],
    [
      'wins over a copy that has not come up yet',
      [
        { id: 'a', on: HERE, state: 'live' },
        { ...REPLACEMENT, state: 'fetching' },
      ],
      { ends: ['b double'], leaving: [] },
    ],
    [
      'loses a copy that failed, and tries again',
      [
        { id: 'a', on: DRAINING, state: 'live' },
        { ...REPLACEMENT, state: 'failed' },
      ],
      { ends: ['b failed'], leaving: ['a drain'] },
    ],
    [
      'gives way to the new one where somebody asked for it',
      [
        { id: 'a', on: HERE, state: 'live', startedAtMs: 1 },
        { id: 'b', on: HERE, state: 'live', startedAtMs: 2, row: replaces('a', 'rebalance') },
      ],
      { ends: ['a moved'], leaving: [] },
    ],
    [
      'gives way to the new instance of a restart',
      [
        { id: 'a', on: HERE, state: 'live', startedAtMs: 1 },
        { id: 'b', on: HERE, state: 'live', startedAtMs: 2, row: replaces('a', 'restart') },
      ],
      { ends: ['a restarted'], leaving: [] },
    ],
    [
      'waits for the new one where somebody asked for it',
      [
        { id: 'a', on: HERE, state: 'live' },
        { id: 'b', on: HERE, state: 'starting', row: replaces('a', 'rebalance') },
      ],
      { ends: [], leaving: [] },
    ],
    [
      'of an older release or on its way out is no concern',
      [
        { id: 'a', on: DRAINING, row: { release: 2 } },
        { id: 'b', on: DRAINING, row: { desired: 'stop' } },
      ],
      { ends: [], leaving: [] },
    ],
  ];
  for (const [title, copies, expected] of cases) it(title, () => assert.deepEqual(decide(copies), expected));
});

describe('counts', () => {
  it('ends surplus instances when the others are live', () => {
    const high = { id: 'c', on: HERE, state: 'live' as const, ordinal: 3 };
    assert.deepEqual(decide([{ id: 'a', on: HERE, state: 'live' }, high])['ends'], ['c surplus']);
    assert.deepEqual(decide([{ id: 'a', on: HERE, state: 'starting' }, high])['ends'], []);
    assert.deepEqual(decide([{ id: 'a', on: HERE, state: 'backoff' }, high])['ends'], []);
    assert.deepEqual(decide([high])['ends'], []);
    assert.deepEqual(decide([high], {})['ends'], ['c surplus']);
  });

  it('one on every node: ends on a drained node when another is live, stays when it is the last', () => {
    const all = { web: 'all' as const };
    const here = { id: 'a', on: DRAINING, state: 'live' as const };
    assert.deepEqual(decide([here, { id: 'b', on: HERE, state: 'live', ordinal: 2 }], all), {
      ends: ['a left'],
      leaving: [],
    });
    assert.deepEqual(
      planMoves(viewOf([here, { id: 'b', on: HERE, state: 'starting', ordinal: 2 }], all)).last.length,
      1,
    );
    assert.deepEqual(decide([{ id: 'a', on: LOST }], all), { ends: [], leaving: [] });
  });
});

describe('in any fleet', () => {
  const node = fc.constantFrom(HERE, DRAINING, SILENT, LOST);
  const state = fc.constantFrom<(InstanceState | undefined)[]>(
    undefined,
    'pending',
    'starting',
    'live',
    'backoff',
    'failed',
  );
  const copy = fc.record({
    on: node,
    state,
    startedAtMs: fc.integer({ min: 1, max: 9 }),
    ordinal: fc.integer({ min: 1, max: 3 }),
    by: fc.constantFrom('drain', 'lost', 'rebalance', 'restart', undefined),
    replaced: fc.integer({ min: 0, max: 5 }),
  });
  const fleet = fc.array(copy, { maxLength: 6 }).map((copies) =>
    copies.map(({ by, replaced, state: said, ...each }, at): Copy => ({
      ...each,
      id: `i${at}`,
      ...(said === undefined ? {} : { state: said }),
      ...(by === undefined ? {} : { row: replaces(`i${replaced}`, by) }),
    })),
  );
  const counts = fc.constantFrom<(number | 'all')[]>(1, 2, 3, 'all');

  it('the last live copy of a slot never ends, and a moving slot always has an instance', () => {
    fc.assert(
      fc.property(fleet, counts, (copies, web) => {
        const view = viewOf(copies, { web });
        const plan = planMoves(view);
        const isLive = (row: MoverRow): boolean =>
          view.nodes.get(row.nodeId)?.connected === true && view.statuses.get(row.instanceId)?.state === 'live';
        for (const { row, why } of plan.ends.filter((end) => isLive(end.row) && end.why !== 'surplus')) {
          const others = plan.holding.filter((each) => isLive(each) && (web === 'all' || each.ordinal === row.ordinal));
          assert.ok(others.length > 0, `${row.instanceId} ends (${why}) and nothing like it is live`);
        }
        for (const { row } of plan.leaving) assert.ok(plan.holding.includes(row));
      }),
    );
  });

  it('one of two live copies on reachable nodes ends', () => {
    fc.assert(
      fc.property(fleet, (copies) => {
        const view = viewOf(copies, { web: 3 });
        const { holding } = planMoves(view);
        const settled = holding.filter(
          (row) => view.nodes.get(row.nodeId) === HERE && view.statuses.get(row.instanceId)?.state === 'live',
        );
        assert.equal(new Set(settled.map((row) => row.ordinal)).size, settled.length);
      }),
    );
  });
});
