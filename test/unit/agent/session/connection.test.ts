import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { it } from 'node:test';
import type { SessionCall } from '../../../../agent/session/channel.ts';
import { Connection } from '../../../../agent/session/connection.ts';
import { Outbox } from '../../../../agent/session/outbox.ts';
import type { SessionHandlers } from '../../../../agent/session/port.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { encodeControllerMessage } from '../../../../shared/rpc/controller-codec.ts';
import type { WireAgentMessage } from '../../../../shared/rpc/service.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';
import { eventually } from '../../../support/eventually.ts';

/** The end of a stream at the agent: the test plays the controller. */
class FakeCall extends EventEmitter {
  readonly written: WireAgentMessage[] = [];

  write(message: WireAgentMessage): boolean {
    this.written.push(message);
    return true;
  }

  cancel(): void {
    this.emit('close');
  }
}

it('a task of an unknown kind is answered with SLIP_TASK_KIND, and is not started', async () => {
  const call = new FakeCall();
  const started: unknown[] = [];
  // Only the handlers that these messages reach.
  const handlers = {
    startTask: (task: unknown) => started.push(task),
    instances: () => [],
    heartbeat: () => Promise.resolve({ diskFreeBytes: 1, memoryFreeBytes: 1, load1: 0 }),
  } as unknown as SessionHandlers;
  // A real call needs a channel. These are the methods that are used.
  const connection = new Connection(call as unknown as SessionCall, {
    ...{ clock: new VirtualClock(), logger: silentLogger, random: () => 0, outbox: new Outbox(), handlers },
    ...{ connectTimeoutMs: 1_000, confirmAfterMs: 1_000, onWelcome: () => undefined },
  });
  const ended = connection.serve({ kind: 'heartbeat', diskFreeBytes: 1, memoryFreeBytes: 1, load1: 0 });
  const epoch = { counter: 1, id: 'epoch0000001' };
  const welcome = encodeControllerMessage({
    kind: 'welcome',
    heartbeatIntervalMs: 1_000,
    epoch,
    nodeName: 'fra-1',
    tasks: [],
  });
  call.emit('data', { body: 'welcome', ...welcome });
  call.emit('data', { body: 'startTask', startTask: { taskId: 'task00000001', kind: 'launch' } });
  const answer = await eventually('the answer', () => call.written.find(({ taskResult }) => taskResult !== undefined));
  assert.equal(answer.taskResult?.taskId, 'task00000001');
  assert.equal(answer.taskResult.failure?.code, 'SLIP_TASK_KIND');
  assert.match(answer.taskResult.failure.message ?? '', /kind launch/);
  assert.deepEqual(started, []);
  connection.end('the test is over');
  await ended;
});
