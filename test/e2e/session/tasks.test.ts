import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { OpenSession } from '../../../agent/session/connect-session.ts';
import type { DispatchConfig } from '../../../controller/dispatch/create-dispatch.ts';
import type { BuildResult, BuildTask } from '../../../shared/domain/build.ts';
import type { Digest, NodeId, TaskId } from '../../../shared/domain/ids.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { randomId } from '../../../shared/kit/random-id.ts';
import { anyBuildResult, anyBuildTask } from '../../support/arbitraries.ts';
import { connectAgent, fakeAgent, startRig, type FakeAgent, type Rig } from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';

const [taskSample] = fc.sample(anyBuildTask, { numRuns: 1, seed: 11 });
const result = structuredClone(fc.sample(anyBuildResult, { numRuns: 1, seed: 12 })[0])!;
const digest = `sha256:${'a'.repeat(64)}` as Digest;

function task({ rig }: Bench): BuildTask {
  const limits = { timeoutMs: 60_000, outputLimitBytes: 1_000_000 };
  return { ...taskSample!, ...limits, taskId: randomId() as TaskId, appId: rig.app.id };
}

interface Bench {
  readonly rig: Rig;
  readonly agent: FakeAgent;
  readonly session: OpenSession;
  readonly nodeId: NodeId;
  readonly stateDir: string;
}

async function setUp(t: TestContext, config: Partial<DispatchConfig> = {}): Promise<Bench> {
  const rig = await startRig(t, config);
  const node = await rig.join('alpha');
  const agent = fakeAgent();
  const session = connectAgent(t, rig, { stateDir: node.stateDir, agent });
  await eventually('the session', () => session.connected);
  return { rig, agent, session, nodeId: node.row.id, stateDir: node.stateDir };
}

function start(
  bench: Bench,
  one: BuildTask,
  signal = new AbortController().signal,
): { outcome: Promise<BuildResult>; output: () => string } {
  const chunks: Uint8Array[] = [];
  const output = (chunk: Uint8Array): void => void chunks.push(chunk);
  const outcome = bench.rig.dispatch.builders.runBuild({ node: bench.nodeId, task: one, output, signal });
  outcome.catch(() => undefined);
  return { outcome, output: () => Buffer.concat(chunks).toString() };
}

const failsWith = (code: string) => (error: unknown) => error instanceof SlipwayError && error.code === code;

describe('tasks', () => {
  it('runs one: output in order before the result, and rights only while it runs', async (t) => {
    const bench = await setUp(t);
    const wanted = task(bench);
    const { outcome, output } = start(bench, wanted);
    await eventually('the task at the agent', () => bench.agent.started.length === 1);
    assert.equal(bench.agent.started[0]?.config['X'], wanted.config['X']);
    assert.equal(bench.rig.dispatch.taskNode(wanted.taskId), bench.nodeId);
    assert.equal(await bench.rig.dispatch.mayWriteImage(bench.nodeId, digest), true);
    assert.equal(bench.rig.dispatch.builders.available()[0]?.runningTasks, 1);
    assert.equal((await bench.rig.store.task(wanted.taskId))?.state, 'running');
    for (let line = 0; line < 1_000; line += 1)
      bench.session.taskOutput(wanted.taskId, Buffer.from(`${String(line)}\n`));
    bench.session.taskResult(wanted.taskId, result);
    assert.deepEqual(await outcome, result);
    assert.equal((await bench.rig.store.task(wanted.taskId))?.state, 'succeeded');
    assert.equal(output(), Array.from({ length: 1_000 }, (_, line) => `${String(line)}\n`).join(''));
    assert.equal(bench.rig.dispatch.taskNode(wanted.taskId), undefined);
    assert.equal(await bench.rig.dispatch.mayWriteImage(bench.nodeId, digest), false);
    assert.ok(bench.rig.dispatch.builders.available()[0]?.cachedApps.has(wanted.appId));
  });

  it("fails with the agent's own words", async (t) => {
    const bench = await setUp(t);
    const wanted = task(bench);
    const { outcome } = start(bench, wanted);
    await eventually('the task at the agent', () => bench.agent.started.length === 1);
    bench.session.taskResult(wanted.taskId, {
      code: 'SLIP_BUILD_DETECT',
      message: 'Nothing detected.',
      hint: 'Add a package.json.',
    });
    await assert.rejects(outcome, {
      code: 'SLIP_BUILD_DETECT',
      message: 'Nothing detected.',
      hint: 'Add a package.json.',
    });
  });

  it('is cancelled at the agent when its caller goes away', async (t) => {
    const bench = await setUp(t);
    const [wanted, cancel] = [task(bench), new AbortController()];
    const { outcome } = start(bench, wanted, cancel.signal);
    await eventually('the task at the agent', () => bench.agent.started.length === 1);
    cancel.abort();
    await assert.rejects(outcome, failsWith('SLIP_BUILD_CANCELLED'));
    await eventually('the cancellation', () => bench.agent.cancelled.includes(wanted.taskId));
    bench.session.taskResult(wanted.taskId, result); // too late: ignored
  });

  it('survives a short disconnection: the next session has the task, then its result', async (t) => {
    const bench = await setUp(t);
    const wanted = task(bench);
    const { outcome, output } = start(bench, wanted);
    await eventually('the task at the agent', () => bench.agent.started.length === 1);
    bench.agent.running = [wanted.taskId];
    const usurper = connectAgent(t, bench.rig, { stateDir: bench.stateDir, agent: bench.agent });
    await eventually('another session', () => usurper.connected);
    await usurper.close();
    bench.session.taskOutput(wanted.taskId, Buffer.from('while away\n'));
    bench.agent.running = [];
    bench.session.taskResult(wanted.taskId, result);
    assert.deepEqual(await outcome, result);
    assert.match(
      output(),
      /The connection to the builder is lost\. The build continues there\. Waiting up to 60 s for the builder/,
    );
    assert.match(output(), /while away\n$/);
  });

  it('is lost when the agent comes back without it, or not at all', async (t) => {
    const bench = await setUp(t, { taskRejoinMs: 1_000 });
    const first = start(bench, task(bench));
    await eventually('the task at the agent', () => bench.agent.started.length === 1);
    const fresh = connectAgent(t, bench.rig, { stateDir: bench.stateDir, agent: fakeAgent() });
    await assert.rejects(first.outcome, failsWith('SLIP_BUILDER_LOST'));
    await bench.session.close();
    await eventually('the fresh session', () => fresh.connected);
    const second = start(bench, task(bench));
    await fresh.close();
    await assert.rejects(second.outcome, failsWith('SLIP_BUILDER_LOST'));
    await assert.rejects(start(bench, task(bench)).outcome, failsWith('SLIP_BUILDER_LOST'));
  });

  it('of an earlier controller process is cancelled when its agent reconnects', async (t) => {
    const bench = await setUp(t);
    const { outcome } = start(bench, task(bench));
    await eventually('the task at the agent', () => bench.agent.started.length === 1);
    const [started] = bench.agent.started;
    bench.agent.running = [started!.taskId];
    await bench.rig.restart();
    await assert.rejects(outcome, failsWith('SLIP_BUILDER_LOST'));
    await eventually('the cancellation', () => bench.agent.cancelled.includes(started!.taskId));
  });

  it('accepts no message of another node', async (t) => {
    const bench = await setUp(t);
    const other = await bench.rig.join('beta');
    const liar = connectAgent(t, bench.rig, { stateDir: other.stateDir, agent: fakeAgent() });
    await eventually('the other session', () => liar.connected);
    const wanted = task(bench);
    const { outcome, output } = start(bench, wanted);
    await eventually('the task at the agent', () => bench.agent.started.length === 1);
    liar.taskOutput(wanted.taskId, Buffer.from('lies'));
    liar.taskResult(wanted.taskId, { code: 'SLIP_BUILD_EVIL', message: 'no' });
    await eventually('the complaint', () =>
      bench.rig.logger.events.some((one) => one.event === 'session.unknown_task'),
    );
    bench.session.taskResult(wanted.taskId, result);
    assert.deepEqual(await outcome, result);
    assert.equal(output(), '');
  });
});
