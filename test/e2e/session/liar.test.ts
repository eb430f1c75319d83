import assert from 'node:assert/strict';
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import type { LogEvent, LogFields } from '../../../shared/kit/log.ts';
import { sealAll } from '../../../shared/kit/sensitive.ts';
import { randomId } from '../../../shared/kit/random-id.ts';
import type { WireAgentMessage } from '../../../shared/rpc/service.ts';
import { connectAgent, fakeAgent, startRig, type FakeAgent, type Rig } from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { HELLO, openRawAgent, type RawAgent } from '../../support/raw-agent.ts';
import { assignment, newRelease, noChange } from '../../support/store-fixtures.ts';

/** An honest node and one without manners, on a controller that is quick to look again. */
interface Stage {
  readonly rig: Rig;
  readonly honest: FakeAgent;
  readonly liar: RawAgent;
  readonly said: (event: LogEvent) => readonly LogFields[];
}

const MB = 1024 * 1024;

async function openStage(
  t: TestContext,
  hello: WireAgentMessage['hello'] = HELLO,
  config: Parameters<typeof startRig>[1] = {},
): Promise<Stage> {
  const rig = await startRig(t, config);
  const [one, other] = [await rig.join('honest'), await rig.join('liar')];
  const honest = fakeAgent();
  connectAgent(t, rig, { stateDir: one.stateDir, agent: honest });
  const liar = openRawAgent(t, rig, other.issued.tls);
  if (hello) liar.send({ hello });
  const stage: Stage = {
    rig,
    honest,
    liar,
    said: (event) => rig.logger.events.filter((each) => each.event === event).map(({ fields }) => fields),
  };
  await eventually('the nodes', () => connectedOf(stage) === (hello ? 2 : 1));
  return stage;
}

/** The honest node gets what is new for it. @returns the processor time of all servers and nodes until then, ms */
async function servesTheHonest({ rig, honest }: Stage): Promise<number> {
  const node = rig.dispatch.fleet.nodes().find((each) => each.name === 'honest');
  const row = assignment({ nodeId: node!.nodeId, appId: rig.app.id, release: 1, ordinal: honest.accepted.length + 1 });
  await rig.store.changeAssignments({ ...noChange, add: [row] });
  const before = process.cpuUsage();
  await rig.dispatch.fleet.publish(node!.nodeId);
  await eventually('its assignment', () =>
    honest.accepted.at(-1)?.assignments.some((each) => each.instanceId === row.instanceId),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** A connection with a node's certificate, and nothing of gRPC on it. */
function connectAsNode(
  t: TestContext,
  rig: Rig,
  tls: Awaited<ReturnType<Rig['join']>>['issued']['tls'],
): ClientHttp2Session {
  const session = connectHttp2(`https://localhost:${String(rig.port)}`, {
    ca: tls.ca,
    key: tls.key,
    cert: tls.certificate,
  });
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

const connectedOf = ({ rig }: Stage): number => rig.dispatch.fleet.nodes().filter((node) => node.connected).length;

const heapMb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss / MB;
};

describe('a lying agent', () => {
  it('that always reports another route table gets the whole table once, and then at a limited rate', async (t) => {
    const stage = await openStage(t);
    const tables = (): number => stage.liar.heard.filter((one) => one.fleetRoutes).length;
    await eventually('a table', () => tables() > 0);
    const refusal = { code: 'SLIP_ROUTES_GAP', message: 'gap' };
    const sinceMs = performance.now();
    for (let turn = 0; turn < 400; turn += 1) {
      stage.liar.send({ routesAck: { version: 1, accepted: false, reason: refusal } });
      if (turn % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    stage.liar.send({ heartbeat: { load1: 7 } });
    await eventually('all of it to be read', () => stage.rig.dispatch.fleet.nodes().some((node) => node.load1 === 7));
    // the first at once, further ones every 100 ms here, and what the fleet itself changed
    assert.ok(tables() <= 4 + (performance.now() - sinceMs) / 100, `${String(tables())} tables`);
    assert.ok(stage.said('session.routes_refused').length <= 4 + (performance.now() - sinceMs) / 100);
    await servesTheHonest(stage);
  });

  it('that refuses its desired state a thousand times is asked again once', async (t) => {
    const stage = await openStage(t);
    const states = (): number => stage.liar.heard.filter((one) => one.desired).length;
    await eventually('a state', () => states() > 0);
    const generation = stage.liar.heard.find((one) => one.desired)?.desired?.generation ?? 0;
    const sinceMs = performance.now();
    const refusal = { code: 'SLIP_NO', message: 'x'.repeat(4_000) };
    for (let turn = 0; turn < 1_000; turn += 1)
      stage.liar.send({ desiredAck: { generation, accepted: false, reason: refusal } });
    stage.liar.send({ heartbeat: { load1: 7 } });
    await eventually('all of it to be read', () => stage.rig.dispatch.fleet.nodes().some((node) => node.load1 === 7));
    await eventually('another offer', () => states() > 1);
    assert.ok(states() <= 2 + (performance.now() - sinceMs) / 100, `${String(states())} states`);
    assert.ok(stage.said('session.desired_state_refused').length <= 2 + (performance.now() - sinceMs) / 100);
    await servesTheHonest(stage);
  });

  it('that sends too much is read more slowly, without a delay for others', async (t) => {
    const stage = await openStage(t);
    const before = heapMb();
    const status = {
      instanceId: randomId() as InstanceId,
      state: 'live',
      lastLines: Array<string>(100).fill('y'.repeat(1_000)),
    };
    const logLine = { atMs: 1, source: 'app', process: 'web.1', message: 'w'.repeat(500) };
    const flood: readonly WireAgentMessage[] = [
      { taskOutput: { taskId: 'unknown00000', chunk: Buffer.alloc(200_000) } },
      { taskResult: { taskId: 'unknown00000', failure: { code: 'SLIP_X', message: 'z'.repeat(4_000) } } },
      { instanceReport: { statuses: Array<typeof status>(50).fill(status) } },
      {
        logChunk: {
          queryId: 'unknown00000',
          lines: Array<typeof logLine>(1_000).fill(logLine),
        },
      },
      { heartbeat: { load1: Number.POSITIVE_INFINITY, unreachablePeerIds: Array<string>(50).fill('not an id') } },
      { nodeEvent: { atMs: 1, reason: { code: 'no code', message: '' } } },
      { desiredAck: { generation: -1, accepted: true } },
      {},
    ];
    for (let turn = 0; turn < 60; turn += 1) stage.liar.send(...flood);
    const waits: number[] = [];
    for (let turn = 0; turn < 10; turn += 1) waits.push(await servesTheHonest(stage));
    t.diagnostic(`the honest node waited for ${waits.map((ms) => ms.toFixed(0)).join(' ')} ms of work`);
    assert.ok(waits.sort((a, b) => a - b)[4]! < 2_000);
    await eventually('a word of it', () => stage.said('session.message_ignored').length > 0);
    assert.deepEqual(
      stage.said('session.message_ignored').map((fields) => fields['node']),
      ['liar'],
      'once, with its name',
    );
    assert.ok(heapMb() - before < 300, `${String(heapMb() - before)} MB more`);
  });

  it('that never reads uses no memory, also with many changes of its state', async (t) => {
    const stage = await openStage(t);
    const { rig, liar } = stage;
    liar.call.pause();
    const node = rig.dispatch.fleet.nodes().find((each) => each.name === 'liar')!;
    const before = heapMb();
    await rig.store.createRelease(newRelease(rig.app, { config: sealAll({ BIG: 'x'.repeat(20_000) }) }));
    for (let turn = 1; turn <= 200; turn += 1) {
      const row = assignment({ nodeId: node.nodeId, appId: rig.app.id, release: 2, ordinal: turn });
      await rig.store.changeAssignments({ ...noChange, add: [row] });
      await rig.dispatch.fleet.publish(node.nodeId);
    }
    assert.ok(heapMb() - before < 200, `${String(heapMb() - before)} MB more`);
    await servesTheHonest(stage);
    liar.call.resume();
    await eventually('the last state', () => liar.heard.some((one) => one.desired?.assignments.length === 200));
  });

  it('that opens streams without complete messages is disconnected, and has at most four streams', async (t) => {
    const stage = await openStage(t, null);
    const { rig } = stage;
    const { issued } = await rig.join('third');
    const streams = Array.from({ length: 12 }, () => {
      const session = connectAsNode(t, rig, issued.tls);
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: '/slipway.v1.AgentService/Session',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => undefined).resume();
      stream.write(Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3])); // two gigabytes are to come
      return stream;
    });
    const before = heapMb();
    await eventually('the end of all', () => streams.every((stream) => stream.readableEnded || stream.destroyed));
    assert.ok(heapMb() - before < 100);
    await servesTheHonest(stage);
  });

  it('that floods the port with connections without TLS does not keep a node out, and all of them end', async (t) => {
    const portLimits = { maxWaiting: 40, maxWaitingPerAddress: 10, graceMs: 2_000 };
    const stage = await openStage(t, null, { portLimits }); // a raw agent does not connect again
    const strangers = Array.from({ length: 200 }, (_, index) => {
      const localAddress = index % 2 === 0 ? '127.0.0.1' : `127.3.${String(index)}.9`;
      const socket = connectTcp({ host: '127.0.0.1', port: stage.rig.port, localAddress })
        .on('error', () => undefined)
        .resume();
      if (index % 3 === 0) socket.write(Buffer.from([22, 3, 1, 2, 0, 1])); // the begin of a handshake
      t.after(() => socket.destroy());
      return socket;
    });
    await eventually(
      'the limit of all',
      () => strangers.filter((socket) => !socket.closed).length <= portLimits.maxWaiting,
    );
    const third = await stage.rig.join('third');
    const session = connectAgent(t, stage.rig, { stateDir: third.stateDir, agent: fakeAgent() });
    await eventually('the third node', () => session.connected);
    await servesTheHonest(stage);
    await eventually('the end of all', () => strangers.every((socket) => socket.closed));
    await eventually('both nodes', () => connectedOf(stage) === 2);
  });

  it('that opens connections without a session loses them, and other nodes keep theirs', async (t) => {
    const stage = await openStage(t, null, { connectionIdleMs: 300 });
    const { issued } = await stage.rig.join('third');
    const idle = Array.from({ length: 5 }, () => connectAsNode(t, stage.rig, issued.tls));
    await eventually('all were let in', () => idle.every((session) => !session.connecting));
    await eventually('all were put out', () => idle.every((session) => session.closed));
    await eventually('the honest node', () => connectedOf(stage) === 1);
    await servesTheHonest(stage);
  });
});
