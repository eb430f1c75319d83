import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { describe, it, type TestContext } from 'node:test';
import { keepCertificateFresh, lateAtMs, renewAtMs } from '../../../agent/session/keep-certificate.ts';
import { openCa } from '../../../controller/access/ca/open-ca.ts';
import { createApi } from '../../../controller/api/create-api.ts';
import { NodeConnections } from '../../../controller/api/node-connections.ts';
import { renewServerCertificate } from '../../../controller/dispatch/renew-server-certificate.ts';
import { createDispatch } from '../../../controller/dispatch/create-dispatch.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import { systemClock, type Clock } from '../../../shared/kit/clock.ts';
import { randomId } from '../../../shared/kit/random-id.ts';
import { API_CONFIG, fakeDeps } from '../../support/api-fixture.ts';
import { FakeFleet } from '../../support/fake-fleet.ts';
import { FakeImages } from '../../support/fake-images.ts';
import { issueNode, makeCa, nodeStateDir, serverTls, tempDir } from '../../support/certificates.ts';
import { connectAgent, fakeAgent, recordingLogger } from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { addNode, openMemoryStore } from '../../support/store-fixtures.ts';

const DAY_MS = 24 * 60 * 60_000;

/** A clock that can show a day in the past. When the days pass, pending timers fire. */
class CalendarClock implements Clock {
  daysAgo = 0;
  #sleepers: (() => void)[] = [];

  nowMs(): number {
    return Date.now() - this.daysAgo * DAY_MS;
  }

  monotonicMs(): number {
    return performance.now();
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }

  goTo(daysAgo: number): void {
    this.daysAgo = daysAgo;
    for (const wake of this.#sleepers.splice(0)) wake();
  }
}

/** Serial of the certificate that is shown there, after a whole handshake with the node's own. */
function shownAt(port: number, identity: { key: string; certificate: string; ca: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: '127.0.0.1',
        port,
        key: identity.key,
        cert: identity.certificate,
        ca: identity.ca,
        ALPNProtocols: ['h2', 'http/1.1'],
      },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });
}

async function setUp(t: TestContext) {
  const clock = new CalendarClock();
  clock.daysAgo = 80;
  const [dir, store, log] = [await tempDir(t), await openMemoryStore(), recordingLogger()];
  t.after(() => store.close());
  const authority = await openCa({ dir, mayCreate: true, serverNames: ['localhost', '127.0.0.1'], clock });
  const node = await issueNode(authority);
  await addNode(store, 'alpha', node.serial);
  return { clock, store, log, authority, node };
}

describe('server certificates in the last third of their life', () => {
  it('are renewed while the server for agents stays open, and agents connect as before', async (t) => {
    const { clock, store, log, authority, node } = await setUp(t);
    const config = {
      epoch: { counter: 1, id: 'a' },
      baseDomain: 'x.test',
      tls: await serverTls(authority),
      listenAddress: '127.0.0.1:0',
    };
    const dispatch = createDispatch(config, { store, clock: systemClock, logger: log, randomId });
    t.after(() => dispatch.close());
    const stop = new AbortController();
    t.after(() => stop.abort());
    void renewServerCertificate({ authority, dispatch }, { clock, log }, stop.signal);
    const port = await dispatch.listen();
    const before = await shownAt(port, node.tls);
    const stateDir = await nodeStateDir(t, node.tls);
    const first = connectAgent(t, { port }, { stateDir, agent: fakeAgent() });
    await eventually('the session', () => first.connected);
    clock.goTo(79);
    assert.equal(await shownAt(port, node.tls), before, 'not before its time');
    await eventually('the server to show another certificate', async () => {
      clock.goTo(0);
      return (await shownAt(port, node.tls)) !== before;
    });
    assert.ok(first.connected, 'who is in stays in');
    await first.close();
    const second = connectAgent(t, { port }, { stateDir, agent: fakeAgent() });
    await eventually('a session with the new certificate', () => second.connected);
  });

  it('are renewed at the API, which still requires certificates of nodes', async (t) => {
    const { clock, store, log, authority, node } = await setUp(t);
    const fleet = new FakeFleet();
    const deps = { ...fakeDeps(store, fleet), store, images: new FakeImages(), fleet, authority, clock, log };
    const api = createApi(API_CONFIG, { ...deps, connections: new NodeConnections() });
    const port = await api.listen();
    t.after(() => api.close());
    const before = await shownAt(port, node.tls);
    await eventually('another certificate', async () => {
      clock.goTo(0);
      return (await shownAt(port, node.tls)) !== before;
    });
    assert.ok(log.events.some((one) => one.event === 'api.certificate_renewed'));
  });
});

describe("an agent's own certificate", () => {
  it('is due when a third of its life has passed, and late when a third is left', () => {
    const life = { fromMs: 0, toMs: 90 * DAY_MS };
    assert.equal(renewAtMs(life), 30 * DAY_MS);
    assert.equal(lateAtMs(life), 60 * DAY_MS);
  });

  it('is requested when it is due, again after a failure, and a late renewal is reported', async (t) => {
    const clock = new CalendarClock();
    clock.daysAgo = 89;
    const ca = await makeCa(t, { clock });
    const stateDir = await nodeStateDir(t, (await issueNode(ca)).tls);
    const late: Reason[] = [];
    let tries = 0;
    const stop = new AbortController();
    t.after(() => stop.abort());
    const renewCertificate = (): Promise<void> => {
      tries += 1;
      return Promise.reject(new Error('no way there'));
    };
    const deps = {
      stateDir,
      renewCertificate,
      onLate: (reason: Reason) => void late.push(reason),
      clock,
      random: () => 0,
      log: recordingLogger(),
    };
    void keepCertificateFresh(deps, stop.signal);
    const pass = (daysAgo: number, done: () => boolean): Promise<unknown> =>
      eventually(`${String(daysAgo)} days ago`, () => {
        clock.goTo(daysAgo);
        return done();
      });
    clock.goTo(61);
    assert.equal(tries, 0);
    await pass(58, () => tries >= 2);
    assert.equal(late.length, 0);
    await pass(20, () => late.length === 1);
    assert.match(late.at(-1)?.message ?? '', /ends in (20|21) days and cannot be renewed/);
  });
});
