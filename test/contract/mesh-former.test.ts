import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { issueNode } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { ask, routesOf } from '../support/proxy-lab.ts';
import { openPair, start, reachable, headersAt, knock, serialIn, requestOn } from '../support/mesh-pair.ts';

describe('certificates from before a revocation or a rejoin, between real proxies', () => {
  test('a former certificate is good for nothing from the next request on, on connections that are open as well', async (t) => {
    const { lab, front, home, backend } = await openPair(t);
    const stolen = front.tls;
    const thief = tlsConnect({
      host: '127.0.0.1',
      port: home.peer.port,
      rejectUnauthorized: false,
      key: stolen.key,
      cert: stolen.certificate,
    });
    t.after(() => thief.destroy());
    assert.match(await requestOn(thief), /^HTTP\/1.1 200/);
    const bystander = await lab.node('by');
    await start(bystander);
    await front.apply([{ ...routesOf('alpha', []), peers: [home.peer] }]);
    await home.apply([routesOf('alpha', [backend])]);
    await bystander.apply([{ ...routesOf('alpha', []), peers: [home.peer] }]);
    await reachable(bystander);
    const reloads = (): number => home.logger.events.filter(({ event }) => event === 'proxy.reloaded').length;
    const before = reloads();
    const statuses: number[] = [];
    const over = new AbortController();
    const load = (async () => {
      while (!over.signal.aborted) statuses.push((await ask(bystander.port, 'alpha.test')).status);
    })();
    await home.apply([routesOf('alpha', [backend])], [serialIn(stolen.certificate)]);
    assert.equal(reloads(), before);
    assert.match(await requestOn(thief), /^HTTP\/1.1 425/, 'on the connection that was open');
    assert.match(await knock(home.peer.port, { key: stolen.key, cert: stolen.certificate }), /^HTTP\/1.1 425/);
    over.abort();
    await load;
    assert.ok(statuses.length > 0 && statuses.every((status) => status === 200), 'nobody else lost a request');
  });

  test('a node that rejoined is served with its new certificate, and not with the former one', async (t) => {
    const { lab, front, home, backend } = await openPair(t);
    await headersAt(front);
    const former = serialIn(front.tls.certificate);
    front.tls = (await issueNode(lab.ca, front.peer.nodeId)).tls;
    await front.proxy.ensureRunning();
    await home.apply([routesOf('alpha', [backend])], [former]);
    for (let turn = 0; turn < 10; turn += 1)
      assert.equal((await ask(front.port, 'alpha.test')).status, 200, `turn ${String(turn)}`);
  });

  test('an answer with a former certificate of a node is refused too', async (t) => {
    const { lab, front, home } = await openPair(t);
    await headersAt(front);
    const routes = [{ ...routesOf('alpha', []), peers: [home.peer] }];
    await front.apply(routes, [serialIn(home.tls.certificate)]);
    assert.equal((await ask(front.port, 'alpha.test')).status, 503);
    home.tls = (await issueNode(lab.ca, home.peer.nodeId)).tls;
    await home.proxy.ensureRunning();
    await eventually('the rejoined node is accepted', async () => (await ask(front.port, 'alpha.test')).status === 200);
  });

  test('a resumed TLS session is good for nothing, because it keeps the certificate of its start', async (t) => {
    const { front, home } = await openPair(t);
    const options = {
      ...{ host: '127.0.0.1', port: home.peer.port, rejectUnauthorized: false },
      ...{ key: front.tls.key, cert: front.tls.certificate },
    };
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = tlsConnect({ ...options, maxVersion });
      t.after(() => first.destroy());
      // With TLS 1.3, the session comes after the handshake.
      let session: Buffer | undefined;
      first.on('session', (given: Buffer) => (session = given));
      assert.match(await requestOn(first), /^HTTP\/1.1 200/);
      const second = tlsConnect({ ...options, maxVersion, session: session ?? first.getSession() });
      t.after(() => second.destroy());
      assert.match(await requestOn(second), /^HTTP\/1.1 425/);
      assert.ok(second.isSessionReused(), maxVersion);
      assert.equal(await requestOn(second), '', 'the connection has ended');
    }
  });
});
