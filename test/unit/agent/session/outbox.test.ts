import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Outbox } from '../../../../agent/session/outbox.ts';
import { MAX_PENDING_OUTPUT_BYTES } from '../../../../agent/session/task-output.ts';
import type { InstanceId, TaskId } from '../../../../shared/domain/ids.ts';
import type { InstanceState, InstanceStatus } from '../../../../shared/domain/instance.ts';
import type { AgentMessage } from '../../../../shared/rpc/messages.ts';

const [one, two] = ['task00000001' as TaskId, 'task00000002' as TaskId];
const failure = { code: 'SLIP_X', message: 'x' };

function status(id: string, state: InstanceState): InstanceStatus {
  return { instanceId: id as InstanceId, state, restarts: 0, lastLines: [], timingsMs: {} };
}

function drain(outbox: Outbox, nowMs = 0): AgentMessage[] {
  const messages: AgentMessage[] = [];
  for (let next = outbox.next(nowMs); next !== undefined; next = outbox.next(nowMs)) messages.push(next);
  return messages;
}

describe('outbox', () => {
  it('sends control first, then reports, output, results, logs', () => {
    const outbox = new Outbox();
    void outbox.log({ kind: 'logChunk', queryId: 'query0000001', lines: [], end: true });
    outbox.result(one, failure);
    outbox.output(one, Buffer.from('x'));
    outbox.report([status('instance0001', 'live')]);
    outbox.control({ kind: 'desiredAck', generation: 1 });
    const kinds = drain(outbox).map((message) => message.kind);
    assert.deepEqual(kinds, ['desiredAck', 'instanceReport', 'taskOutput', 'taskResult', 'logChunk']);
  });

  it('keeps the latest status of each instance, and one heartbeat', () => {
    const outbox = new Outbox();
    const beat = { kind: 'heartbeat' as const, diskFreeBytes: 1, memoryFreeBytes: 1 };
    outbox.control({ ...beat, load1: 1 });
    outbox.control({ ...beat, load1: 2 });
    outbox.report([status('instance0001', 'starting'), status('instance0002', 'live')]);
    outbox.report([status('instance0001', 'live')]);
    const [heartbeat, report, ...rest] = drain(outbox);
    assert.deepEqual(heartbeat, { ...beat, load1: 2 });
    assert.ok(report?.kind === 'instanceReport');
    assert.deepEqual(
      report.statuses.map((status) => status.state),
      ['live', 'live'],
    );
    assert.deepEqual(rest, []);
  });

  it('joins small output of one task, splits large, never mixes tasks', () => {
    const outbox = new Outbox();
    for (const text of ['a', 'b', 'c']) outbox.output(one, Buffer.from(text));
    outbox.output(two, Buffer.alloc(150_000));
    outbox.output(one, Buffer.from('d'));
    const sizes = drain(outbox).map((message) =>
      message.kind === 'taskOutput' ? [message.taskId, message.chunk.length] : [],
    );
    assert.deepEqual(sizes, [
      [one, 3],
      [two, 65_536],
      [two, 65_536],
      [two, 18_928],
      [one, 1],
    ]);
  });

  it('bounds pending output and marks what was dropped', () => {
    const outbox = new Outbox();
    outbox.output(one, Buffer.alloc(MAX_PENDING_OUTPUT_BYTES));
    outbox.output(one, Buffer.from('lost\n'));
    drain(outbox);
    outbox.output(one, Buffer.from('kept'));
    const [message] = drain(outbox);
    assert.ok(message?.kind === 'taskOutput');
    assert.equal(Buffer.from(message.chunk).toString(), "\n[1 line of the build's output left out]\nkept");
  });

  it('sends a result again in the next session, until a session confirms it', () => {
    const outbox = new Outbox();
    outbox.result(one, failure);
    assert.equal(drain(outbox, 100).length, 1);
    assert.equal(drain(outbox, 200).length, 0);
    outbox.confirm(50);
    outbox.endSession();
    assert.deepEqual(outbox.undelivered(), [one]);
    assert.equal(drain(outbox, 300).length, 1);
    outbox.confirm(300);
    assert.deepEqual(outbox.undelivered(), []);
    outbox.endSession();
    assert.equal(drain(outbox, 400).length, 0);
  });

  it('drops at the end of a session what the next session sends again, and frees log readers', async () => {
    const outbox = new Outbox();
    outbox.report([status('instance0001', 'live')]);
    outbox.control({ kind: 'desiredAck', generation: 1 });
    const taken = outbox.log({ kind: 'logChunk', queryId: 'query0000001', lines: [], end: true });
    outbox.output(one, Buffer.from('x'));
    outbox.endSession();
    await taken;
    assert.deepEqual(
      drain(outbox).map((message) => message.kind),
      ['taskOutput'],
    );
  });
});
