import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { AgentSession } from '../../../../controller/dispatch/agent-session.ts';
import { TaskRecords } from '../../../../controller/dispatch/task-records.ts';
import { Tasks } from '../../../../controller/dispatch/tasks.ts';
import type { BuildTask } from '../../../../shared/domain/build.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import type { ControllerMessage } from '../../../../shared/rpc/messages.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';
import { anyBuildTask } from '../../../support/arbitraries.ts';
import { eventually } from '../../../support/eventually.ts';
import { addApp, addNode, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

/** Asks a node, whose agent said this in its Hello, to build. What it was sent, and how the task ended. */
async function buildOn(hello: object): Promise<{ sent: ControllerMessage['kind'][]; code: string; hint: string }> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const node = await addNode(store);
  const sent: ControllerMessage['kind'][] = [];
  // A real session needs a stream. These are the fields that are read.
  const session = {
    ...{ nodeId: node.id, name: node.name, hello },
    send: (message: ControllerMessage) => sent.push(message.kind),
    warnOnce: () => undefined,
  } as unknown as AgentSession;
  const tasks = new Tasks({
    clock: new VirtualClock(),
    records: new TaskRecords({ store, logger: silentLogger }),
    session: () => session,
    rejoinMs: 1_000,
    onSucceeded: () => undefined,
  });
  const [any] = fc.sample(anyBuildTask, { numRuns: 1, seed: 1 });
  const task: BuildTask = { ...any!, appId: app.id };
  const stop = new AbortController();
  let failure: { code: string; hint?: string } | undefined;
  const ended = tasks
    .runTask({ node: node.id, task, output: () => undefined, signal: stop.signal })
    .catch((error: unknown) => {
      failure = error as { code: string; hint?: string };
    });
  await eventually('the task is sent or refused', () => sent.length > 0 || failure !== undefined);
  stop.abort();
  await ended;
  await store.close();
  return { sent, code: failure?.code ?? '', hint: failure?.hint ?? '' };
}

it('a task is sent to an agent that reports its kind, and to an older agent, which only builds', async () => {
  assert.deepEqual((await buildOn({ taskKinds: ['build', 'other'] })).sent[0], 'startTask');
  assert.deepEqual((await buildOn({ taskKinds: undefined })).sent[0], 'startTask');
});

it('a task is not sent to an agent that does not report its kind, and the hint upgrades the node', async () => {
  const { sent, code, hint } = await buildOn({ taskKinds: ['other'] });
  assert.deepEqual([sent, code], [[], 'SLIP_TASK_KIND']);
  assert.match(hint, /^slipway nodes:upgrade \S+$/);
});
