import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_ENV, start } from '../../../shared/kit/exec.ts';
import { anyBuildResult, anyBuildTask } from '../../support/arbitraries.ts';
import { connectAgent, fakeAgent, recordingLogger, startRig, type Rig } from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';

const STUB = join(import.meta.dirname, '../../support/stub-agent-main.ts');

function startStub(t: TestContext, rig: Rig, stateDirs: readonly string[]): ReturnType<typeof start> {
  const args = [STUB, `localhost:${String(rig.port)}`, ...stateDirs];
  const child = start({ file: process.execPath, args, env: DEFAULT_ENV }, ['ignore', 'ignore', 'inherit']);
  t.after(() => child.kill('SIGKILL'));
  return child;
}

const connected = (rig: Rig): number => rig.dispatch.fleet.nodes().filter((node) => node.connected).length;

/** A wire that can go dead without a word in both directions. */
async function startWire(t: TestContext, port: number): Promise<{ port: number; cut: () => void; mend: () => void }> {
  let dead = false;
  const sockets = new Set<Socket>();
  const pump = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (bytes) => {
      if (!dead) to.write(bytes);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    pump(near, far);
    pump(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => void (dead = true),
    mend: () => {
      dead = false;
      // What was sent meanwhile is lost, so these connections cannot continue.
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Many, and few enough for two cores that do other work too. */
const AGENTS = 60;

describe('faults', () => {
  it('the session of a frozen agent ends within keepalive and timeout, and starts again when the agent continues', async (t) => {
    const rig = await startRig(t, { keepaliveTimeMs: 500, keepaliveTimeoutMs: 500 });
    const node = await rig.join('alpha');
    const child = startStub(t, rig, [node.stateDir]);
    await eventually('the session', () => connected(rig) === 1);
    child.kill('SIGSTOP');
    await eventually('the end of the session', () => connected(rig) === 0);
    child.kill('SIGCONT');
    await eventually('the session again', () => connected(rig) === 1);
  });

  it('both sides notice a dead connection, and the session starts again when it is repaired', async (t) => {
    const rig = await startRig(t, { keepaliveTimeMs: 300, keepaliveTimeoutMs: 300 });
    const node = await rig.join('alpha');
    const wire = await startWire(t, rig.port);
    const config = { keepaliveTimeMs: 300, keepaliveTimeoutMs: 300 };
    const session = connectAgent(t, wire, { stateDir: node.stateDir, agent: fakeAgent(), config });
    await eventually('the session', () => session.connected);
    wire.cut();
    await eventually('both to notice', () => !session.connected && connected(rig) === 0);
    wire.mend();
    await eventually('the session again', () => session.connected && connected(rig) === 1);
  });

  it('output of a build that was sent into a dead connection arrives in the next session, in order and once', async (t) => {
    const rig = await startRig(t, {
      taskRejoinMs: 240_000,
      keepaliveTimeMs: 300,
      keepaliveTimeoutMs: 300,
    });
    const node = await rig.join('alpha');
    const wire = await startWire(t, rig.port);
    const agent = fakeAgent();
    agent.startTask = (started) => {
      agent.started.push(started);
      agent.running = [started.taskId];
    };
    const config = { keepaliveTimeMs: 1_000, keepaliveTimeoutMs: 1_000 };
    const session = connectAgent(t, wire, { stateDir: node.stateDir, agent, config });
    await eventually('the session', () => session.connected);
    const task = {
      ...fc.sample(anyBuildTask, { numRuns: 1, seed: 11 })[0]!,
      ...{ appId: rig.app.id, timeoutMs: 60_000 },
      outputLimitBytes: 1_000_000,
    };
    let output = '';
    const collect = (chunk: Uint8Array): void => void (output += Buffer.from(chunk).toString());
    const { signal } = new AbortController();
    const outcome = rig.dispatch.builders.runBuild({ node: node.row.id, task, output: collect, signal });
    await eventually('the task at the agent', () => agent.started.length === 1);
    const lines = Array.from({ length: 300 }, (_, line) => `line ${String(line)}\n`);
    for (const line of lines.slice(0, 100)) session.taskOutput(task.taskId, Buffer.from(line));
    await eventually('the first lines', () => output.includes('line 99\n'));
    wire.cut();
    for (const line of lines.slice(100, 200)) session.taskOutput(task.taskId, Buffer.from(line));
    await eventually('both to notice', () => !session.connected && connected(rig) === 0);
    wire.mend();
    for (const line of lines.slice(200)) session.taskOutput(task.taskId, Buffer.from(line));
    session.taskResult(task.taskId, fc.sample(anyBuildResult, { numRuns: 1, seed: 12 })[0]!);
    await outcome;
    assert.deepEqual(output.match(/^line .*\n/gm), lines);
  });

  it('an agent without a controller keeps trying, with at most one log line in 10 s', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const logger = recordingLogger();
    const agent = fakeAgent();
    let tries = 0;
    const { hello } = agent;
    agent.hello = () => {
      tries += 1;
      return hello();
    };
    const since = performance.now();
    connectAgent(
      t,
      { port: 1 },
      { stateDir: node.stateDir, agent, logger, config: { backoff: { firstMs: 5, maxMs: 10, factor: 1 } } },
    );
    await eventually('ten tries', () => tries >= 10);
    assert.ok(logger.events.length <= 1 + (performance.now() - since) / 10_000, String(logger.events.length));
    assert.match(logger.events[0]?.line ?? '', /connection refused/);
  });

  it('many agents reconnect after a restart of the controller, and none is marked as lost', async (t) => {
    const rig = await startRig(t, { unreachableAfterMs: 240_000 });
    const nodes = [];
    for (let index = 0; index < AGENTS; index += 1) nodes.push(await rig.join(`node-${String(index)}`));
    const stateDirs = nodes.map((node) => node.stateDir);
    startStub(t, rig, stateDirs.slice(0, AGENTS / 2));
    startStub(t, rig, stateDirs.slice(AGENTS / 2));
    await eventually('all sessions', () => connected(rig) === AGENTS);
    const since = performance.now();
    await rig.restart();
    await eventually('all sessions again', () => connected(rig) === AGENTS);
    t.diagnostic(
      `${String(AGENTS)} agents back ${String(Math.round(performance.now() - since))} ms after the restart began`,
    );
    assert.ok((await rig.store.nodes()).every((row) => row.state === 'ready'));
    assert.ok(!rig.logger.events.some((one) => one.event === 'node.unreachable'));
  });
});
