import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { describe, it, type TestContext } from 'node:test';
import { credentials, type Client, type ServiceError } from '@grpc/grpc-js';
import type { NodeTls } from '../../../agent/session/node-files.ts';
import { openCa } from '../../../controller/access/ca/open-ca.ts';
import { createDispatch } from '../../../controller/dispatch/create-dispatch.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import { randomId } from '../../../shared/kit/random-id.ts';
import { encodeAgentMessage } from '../../../shared/rpc/agent-codec.ts';
import type { AgentMessage } from '../../../shared/rpc/messages.ts';
import { loadAgentService } from '../../../shared/rpc/service.ts';
import { clockAt, issueNode, makeCa, nodeStateDir, renewedServerTls, serverTls } from '../../support/certificates.ts';
import { connectAgent, fakeAgent, recordingLogger, startRig, type Rig } from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { openMemoryStore } from '../../support/store-fixtures.ts';

const DAY_MS = 24 * 60 * 60_000;

/** A client that does as it likes. */
function rawCall(t: TestContext, rig: Pick<Rig, 'port'>, tls: NodeTls) {
  const Service = loadAgentService();
  const secure = credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.certificate));
  const client = new Service(`localhost:${String(rig.port)}`, secure, { 'grpc.use_local_subchannel_pool': 1 });
  t.after(() => client.close());
  const call = client.Session();
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    call.on('error', (error: ServiceError) => resolve(error));
    call.on('end', () => resolve(undefined));
  });
  call.on('data', () => undefined);
  return { call, ended, client };
}

async function helloOf(): Promise<AgentMessage> {
  return { kind: 'hello', ...(await fakeAgent().hello()) };
}

/** Resolves when the agent has logged this reason why it has no session. On a busy machine, a time limit can be an earlier reason. */
async function complains(t: TestContext, rig: Rig, { tls, reason }: { tls: NodeTls; reason: RegExp }): Promise<void> {
  const logger = recordingLogger();
  connectAgent(t, rig, { stateDir: await nodeStateDir(t, tls), agent: fakeAgent(), logger });
  await logged(logger, reason);
}

async function logged({ events }: ReturnType<typeof recordingLogger>, reason: RegExp): Promise<void> {
  const isSaid = (): boolean => events.some(({ level, line }) => level === 'warn' && reason.test(line));
  await eventually(`a line ${String(reason)}`, isSaid).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${events.map(({ line }) => line).join('\n')}`, { cause: error });
  });
}

describe('opening a session', () => {
  it('refuses the holder of a certificate of another fleet', async (t) => {
    const rig = await startRig(t);
    const stranger = await issueNode(await makeCa(t));
    const tls = { ...stranger.tls, ca: rig.ca.caPem };
    await complains(t, rig, { tls, reason: /does not accept this node's certificate/ });
    assert.equal(rig.dispatch.fleet.nodes().length, 0);
  });

  it("refuses the controller's own server certificate", async (t) => {
    const rig = await startRig(t);
    const tls = await serverTls(rig.ca);
    await complains(t, rig, { tls, reason: /does not accept this node's certificate/ });
  });

  it('refuses a removed node, and tells it to join again', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    await rig.store.setNodeState(node.row.id, 'removed');
    await complains(t, rig, { tls: node.issued.tls, reason: /the node was removed; join again/ });
  });

  it('refuses a certificate of the fleet’s CA that is not a node’s', async (t) => {
    const rig = await startRig(t);
    const { tls } = await issueNode(rig.ca);
    await complains(t, rig, { tls, reason: /no node of the fleet has this certificate/ });
  });

  it('refuses an expired certificate, and the agent explains it', async (t) => {
    const rig = await startRig(t);
    const past = clockAt(() => Date.now() - 2 * DAY_MS);
    const old = await makeCa(t, { clock: past, nodeLifetimeMs: DAY_MS });
    const { ended } = rawCall(t, rig, { ...(await issueNode(old)).tls, ca: rig.ca.caPem });
    assert.ok((await ended) !== undefined);
    await complains(t, rig, { tls: (await issueNode(old)).tls, reason: /certificate expired on/ });
  });

  it('ends the open session of a node that is removed', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const session = connectAgent(t, rig, { stateDir: node.stateDir, agent: fakeAgent() });
    await eventually('the session', () => session.connected);
    await rig.store.setNodeState(node.row.id, 'removed');
    await rig.dispatch.fleet.publish(node.row.id);
    await eventually('the end of it', () => !session.connected);
  });

  it('an agent does not talk to a server that shows a node certificate', async (t) => {
    const rig = await startRig(t);
    const [victim, evil] = [await rig.join('alpha'), await rig.join('beta')];
    const store = await openMemoryStore();
    t.after(() => store.close());
    const config = {
      epoch: { counter: 9, id: 'evil' },
      baseDomain: 'x.test',
      tls: evil.issued.tls,
      listenAddress: '127.0.0.1:0',
    };
    const fake = createDispatch(config, { store, clock: systemClock, logger: recordingLogger(), randomId });
    const port = await fake.listen();
    t.after(() => fake.close());
    await complains(t, { ...rig, port }, { tls: victim.issued.tls, reason: /not a controller's|does not name/ });
  });

  it('an agent accepts a controller without a host name by its address, but no certificate without this address', async (t) => {
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on('warning', hear);
    t.after(() => process.off('warning', hear));
    const rig = await startRig(t);
    const { stateDir } = await rig.join('alpha');
    const connectTo = (port: number, logger = recordingLogger()) => {
      const config = { address: `127.0.0.1:${String(port)}` };
      return { logger, session: connectAgent(t, rig, { stateDir, agent: fakeAgent(), config, logger }) };
    };
    const { session } = connectTo(rig.port);
    await eventually('the session', () => session.connected);
    const nameless = await openCa({
      dir: rig.ca.dir,
      mayCreate: false,
      serverNames: ['localhost'],
      clock: systemClock,
    });
    const tls = await serverTls(nameless);
    const config = { epoch: { counter: 9, id: 'other' }, baseDomain: 'x.test', tls, listenAddress: '127.0.0.1:0' };
    const other = createDispatch(config, { store: rig.store, clock: systemClock, logger: recordingLogger(), randomId });
    t.after(() => other.close());
    const { logger } = connectTo(await other.listen());
    await logged(logger, /certificate does not name 127\.0\.0\.1/);
    assert.deepEqual(warnings, []);
  });

  it('without a client certificate, or below TLS 1.2, there is no connection', async (t) => {
    const rig = await startRig(t);
    const outcome = (options: object): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({
          host: '127.0.0.1',
          port: rig.port,
          ca: rig.ca.caPem,
          ALPNProtocols: ['h2'],
          ...options,
        });
        socket.on('error', (error: Error) => resolve(`error ${error.message}`));
        socket.on('close', () => resolve('closed'));
        socket.on('secureConnect', () => socket.resume());
      });
    assert.notEqual(await outcome({}), 'open');
    assert.match(await outcome({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), /error/);
    assert.equal(rig.dispatch.fleet.nodes().length, 0);
  });

  it('new connections get a renewed server certificate, and open sessions stay', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const session = connectAgent(t, rig, { stateDir: node.stateDir, agent: fakeAgent() });
    await eventually('the session', () => session.connected);
    const shown = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const { key, certificate: cert, ca } = node.issued.tls;
        const socket = connect({ host: '127.0.0.1', port: rig.port, key, cert, ca, ALPNProtocols: ['h2'] }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        });
        socket.once('error', reject);
      });
    const before = await shown();
    const current = await serverTls(rig.ca);
    rig.dispatch.renewTls(await renewedServerTls(rig.ca));
    assert.notEqual(before, await shown());
    assert.ok(session.connected);
    assert.throws(() => rig.dispatch.renewTls({ ...current, ca: '' }), { code: 'SLIP_DISPATCH_TLS' });
  });

  it('a controller without a readable CA, or with a key of another certificate, opens no port', async (t) => {
    const rig = await startRig(t);
    const good = await serverTls(rig.ca);
    const other = await serverTls(await makeCa(t));
    for (const tls of [
      { ...good, ca: '' },
      { ...good, ca: 'garbage' },
      { ...good, key: other.key },
    ]) {
      const config = { epoch: { counter: 1, id: 'a' }, baseDomain: 'x.test', tls, listenAddress: '127.0.0.1:0' };
      const dispatch = createDispatch(config, {
        store: rig.store,
        clock: systemClock,
        logger: recordingLogger(),
        randomId,
      });
      await assert.rejects(dispatch.listen(), { code: 'SLIP_DISPATCH_TLS' });
      await dispatch.close();
    }
  });
});

describe('answers to a hostile agent', () => {
  it('an end to a session that begins with anything but Hello', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const { call, ended } = rawCall(t, rig, node.issued.tls);
    call.write(encodeAgentMessage({ kind: 'instanceReport', statuses: [], complete: true }));
    assert.match((await ended)?.details ?? '', /Hello must come first/);
  });

  it('no crash for invalid bytes, and other agents are served', async (t) => {
    const rig = await startRig(t);
    const [node, honest] = [await rig.join('alpha'), await rig.join('beta')];
    const { client } = rawCall(t, rig, node.issued.tls);
    const raw = (client as unknown as Client).makeBidiStreamRequest(
      '/slipway.v1.AgentService/Session',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    const ended = new Promise((resolve) => raw.on('error', resolve));
    raw.write(Buffer.from('ffffffffffffffff', 'hex'));
    assert.ok(await ended);
    const session = connectAgent(t, rig, { stateDir: honest.stateDir, agent: fakeAgent() });
    await eventually('the honest session', () => session.connected);
  });

  it('no more than its share when it sends too much, with one log line', async (t) => {
    const rig = await startRig(t, { budget: { perSecond: 1, burst: 50 } });
    const node = await rig.join('alpha');
    const { call } = rawCall(t, rig, node.issued.tls);
    call.write(encodeAgentMessage(await helloOf()));
    for (let count = 0; count < 100; count += 1) {
      call.write(encodeAgentMessage({ kind: 'desiredAck', generation: 999_999 }));
    }
    await eventually('the line', () => rig.logger.events.some((one) => one.event === 'session.slowed_down'));
    await eventually('the other line', () =>
      rig.logger.events.some((one) => one.event === 'session.unknown_generation'),
    );
    assert.equal(rig.logger.events.filter((one) => one.event === 'session.unknown_generation').length, 1);
    assert.equal(rig.dispatch.acknowledgement(node.row.id), undefined);
  });

  it('a bad message is dropped, a bad Hello ends the session', async (t) => {
    const rig = await startRig(t);
    const node = await rig.join('alpha');
    const { call, ended } = rawCall(t, rig, node.issued.tls);
    call.write({ hello: { agentVersion: 'x'.repeat(1_000), facts: {} } });
    assert.match((await ended)?.details ?? '', /hello\.agentVersion/);
    const second = rawCall(t, rig, node.issued.tls);
    second.call.write(encodeAgentMessage(await helloOf()));
    second.call.write({ taskOutput: { taskId: '../x' } });
    await eventually(
      'both lines',
      () => rig.logger.events.filter((one) => one.event === 'session.message_ignored').length === 2,
    );
    assert.equal(rig.dispatch.fleet.nodes()[0]?.connected, true);
  });
});
