import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { ANYWHERE } from '../../../../shared/domain/placement.ts';
import {
  instancesToStop,
  planRoom,
  type Former,
  type RoomPlan,
  type RoomRequest,
} from '../../../../controller/schedule/room.ts';
import { GIB, planNode as node, webDemand as web } from '../../../support/placement.ts';

const old = (nodeId: string, ordinal: number): Former => ({
  processType: 'web',
  ordinal,
  nodeId: nodeId as NodeId,
  memoryBytes: GIB,
});
const stopFirst = { rule: { ...ANYWHERE, onFull: 'stop-first' as const } };
/** Room for one and a half. */
const full = node('a', { memoryBytes: 1.7 * GIB, reservedBytes: GIB });

function room(over: Partial<RoomRequest>): RoomPlan {
  return planRoom({
    demands: [web(1)],
    nodes: [full],
    placed: [],
    former: [old('a', 1)],
    leavingBytes: new Map(),
    ...over,
  });
}

describe('room for a release', () => {
  it('is beside the old instance, on the same or another node', () => {
    const there = room({ nodes: [{ ...full, memoryBytes: 4 * GIB }] });
    assert.ok(there.kind === 'go' && there.stopFirst.size === 0);
    const elsewhere = room({ demands: [web(1, stopFirst)], nodes: [full, node('b')] });
    assert.ok(elsewhere.kind === 'go' && elsewhere.stopFirst.size === 0);
    assert.equal(elsewhere.placements[0]?.nodeId, 'b');
  });

  it('is awaited, or taken from the old instance, depending on the process type', () => {
    const waits = room({});
    assert.ok(waits.kind === 'wait' && waits.for === 'room');
    assert.match(waits.unplaced.reasons['a'] ?? '', /542 MB of unreserved memory, 1024 MB are needed/);
    const stops = room({ demands: [web(1, stopFirst)] });
    assert.deepEqual(stops.kind === 'go' && [...stops.stopFirst], ['web']);
  });

  it('appears when other instances end', () => {
    const busy = { ...full, reservedBytes: 1.5 * GIB };
    const leaves = new Map([['a' as NodeId, GIB]]);
    assert.equal(room({ nodes: [busy], former: [] }).kind, 'fail');
    assert.equal(room({ nodes: [busy], former: [], leavingBytes: leaves }).kind, 'wait');
  });

  it('is not awaited when more is wanted than fits', () => {
    const plan = room({ demands: [web(2, stopFirst)] });
    assert.ok(plan.kind === 'fail');
    assert.equal(plan.unplaced.ordinal, 2);
  });

  it('may exist although the last heartbeat reported a full disk', () => {
    const plan = room({ nodes: [{ ...full, memoryBytes: 4 * GIB, diskFreeBytes: 0 }] });
    assert.ok(plan.kind === 'wait' && plan.for === 'disk');
  });
});

describe('the instances that end before a wave starts', () => {
  it('are the ones with the same name, then others of the type on the node, and none of other types', () => {
    const former = [old('a', 1), old('b', 2), { ...old('a', 1), processType: 'worker' }];
    const ending = (ordinal: number, nodeId: string): unknown =>
      instancesToStop([{ processType: 'web', ordinal, nodeId: nodeId as NodeId }], former, new Set(['web'])).map(
        (each) => each.ordinal,
      );
    assert.deepEqual([ending(1, 'a'), ending(1, 'b'), ending(3, 'b'), ending(3, 'c')], [[1], [1, 2], [2], []]);
    assert.deepEqual(
      instancesToStop([{ processType: 'worker', ordinal: 1, nodeId: 'a' as NodeId }], former, new Set(['web'])),
      [],
    );
  });
});
