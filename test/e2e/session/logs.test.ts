import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { FakeAgent, Rig } from '../../support/dispatch-rig.ts';
import { connectAgent, fakeAgent, startRig } from '../../support/dispatch-rig.ts';
import type { AppLogQuery } from '../../../controller/dispatch/port.ts';
import type { LogLine } from '../../../shared/domain/log-line.ts';
import { eventually } from '../../support/eventually.ts';
import { assignment, noChange } from '../../support/store-fixtures.ts';

function line(atMs: number, message: string): LogLine {
  return { atMs, source: 'app', process: 'web.1', message };
}

function queryOf(rig: Rig, change: Partial<AppLogQuery> = {}): AppLogQuery {
  return { appId: rig.app.id, app: rig.app.name, lines: 100, follow: false, ...change };
}

async function addAgent(t: TestContext, rig: Rig, name: string, agent: FakeAgent) {
  const node = await rig.join(name);
  const session = connectAgent(t, rig, { stateDir: node.stateDir, agent });
  await rig.store.changeAssignments({
    ...noChange,
    add: [assignment({ nodeId: node.row.id, appId: rig.app.id, release: 1 })],
  });
  await eventually('the session', () => session.connected);
  await rig.dispatch.fleet.publish(node.row.id);
  return { node, session };
}

async function all(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const messages: string[] = [];
  for await (const one of lines) messages.push(one.message);
  return messages;
}

async function nextMessage(lines: AsyncIterator<LogLine>): Promise<string | undefined> {
  const next = (await lines.next()) as IteratorResult<LogLine, undefined>;
  return next.value?.message;
}

/** An agent whose log goes on until the query is cancelled. */
function endless(agent: FakeAgent): { write: (one: LogLine) => void; cancelled: () => boolean } {
  const waiting: LogLine[] = [];
  let [wake, ended] = [(): void => undefined, false];
  agent.queryLogs = async function* (query, signal) {
    yield* agent.lines.slice(-query.lines);
    signal.addEventListener('abort', () => wake());
    const over = (): boolean => signal.aborted;
    while (!over()) {
      yield* waiting.splice(0);
      if (!over() && waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
    ended = true;
  };
  return {
    write: (one) => {
      waiting.push(one);
      wake();
    },
    cancelled: () => ended,
  };
}

describe('logs of an app on several nodes', () => {
  it('come oldest first, and only as many as asked', async (t) => {
    const rig = await startRig(t);
    const [one, two] = [fakeAgent(), fakeAgent()];
    one.lines = [line(1, 'a'), line(3, 'c'), line(5, 'e')];
    two.lines = [line(2, 'b'), line(4, 'd')];
    await addAgent(t, rig, 'alpha', one);
    await addAgent(t, rig, 'beta', two);
    const { signal } = new AbortController();
    assert.deepEqual(await all(rig.dispatch.fleet.logs(queryOf(rig), signal)), ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(await all(rig.dispatch.fleet.logs(queryOf(rig, { lines: 2 }), signal)), ['d', 'e']);
  });

  it('the maximum number of long lines arrives complete and in order', async (t) => {
    const rig = await startRig(t);
    const agent = fakeAgent();
    agent.lines = Array.from({ length: 1_500 }, (_, index) => line(index, `${String(index)} ${'x'.repeat(10_000)}`));
    await addAgent(t, rig, 'alpha', agent);
    const messages = await all(rig.dispatch.fleet.logs(queryOf(rig, { lines: 1_500 }), new AbortController().signal));
    assert.equal(messages.length, 1_500);
    assert.ok(messages.every((message, index) => message.startsWith(`${String(index)} `)));
  });

  it('follow until the reader leaves, which ends the query at the node', async (t) => {
    const rig = await startRig(t);
    const agent = fakeAgent();
    agent.lines = [line(1, 'old')];
    const log = endless(agent);
    await addAgent(t, rig, 'alpha', agent);
    const leave = new AbortController();
    const lines = rig.dispatch.fleet.logs(queryOf(rig, { follow: true }), leave.signal)[Symbol.asyncIterator]();
    assert.equal(await nextMessage(lines), 'old');
    const next = nextMessage(lines);
    log.write(line(2, 'new'));
    assert.equal(await next, 'new');
    leave.abort();
    assert.equal((await lines.next()).done, true);
    await eventually('the end at the node', log.cancelled);
  });

  it('a follower gets the lines of a node that returns, and of one that gets the app later', async (t) => {
    const rig = await startRig(t);
    const [agent, late] = [fakeAgent(), fakeAgent()];
    const [log, lateLog] = [endless(agent), endless(late)];
    const { node, session } = await addAgent(t, rig, 'alpha', agent);
    const heard: string[] = [];
    const leave = new AbortController();
    const reading = (async () => {
      for await (const one of rig.dispatch.fleet.logs(queryOf(rig, { follow: true }), leave.signal))
        heard.push(one.message);
    })();
    log.write(line(1, 'before'));
    await eventually('the first line', () => heard.includes('before'));
    await session.close();
    await eventually('the end at the node', log.cancelled);
    await eventually('the word about it', () => heard.some((message) => message.includes('some lines are missing')));
    connectAgent(t, rig, { stateDir: node.stateDir, agent });
    log.write(line(2, 'after'));
    await eventually('a line after the return', () => heard.includes('after'));
    lateLog.write(line(3, 'late'));
    await addAgent(t, rig, 'beta', late);
    await eventually('a line of the new node', () => heard.includes('late'));
    leave.abort();
    await reading;
  });

  it('name a missing node, and lines that a node could not read', async (t) => {
    const rig = await startRig(t);
    const agent = fakeAgent();
    agent.queryLogs = () => {
      throw new Error('s3cret path');
    };
    await addAgent(t, rig, 'alpha', agent);
    const { session } = await addAgent(t, rig, 'beta', fakeAgent());
    await session.close();
    await eventually('beta gone', () => rig.dispatch.fleet.nodes().some((node) => !node.connected));
    const messages = await all(rig.dispatch.fleet.logs(queryOf(rig), new AbortController().signal));
    assert.ok(messages.some((message) => message.startsWith('alpha: ') && !message.includes('s3cret')));
    assert.ok(messages.some((message) => message.includes('beta is not connected')));
  });
});
