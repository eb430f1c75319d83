import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { openCa } from '../../controller/access/ca/open-ca.ts';
import { clockAt, issueNode, makeCa, serverTls } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { MeshLab } from '../support/mesh-lab.ts';
import { ask, openBackend, routesOf, type TestBackend } from '../support/proxy-lab.ts';
import { openPair, start, reachable, headersAt, routerLines, knock } from '../support/mesh-pair.ts';

describe('any node answers: the mesh of real proxies', () => {
  test('a node without the app forwards requests unchanged to a node that has it', async (t) => {
    const { front, home } = await openPair(t);
    const headers = await headersAt(front, { 'x-forwarded-for': '6.6.6.6', 'x-request-id': 'a'.repeat(32) });
    assert.equal(headers['x-slipway-hop'], front.peer.name);
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'http');
    assert.equal(headers['x-forwarded-port'], String(front.port));
    assert.equal(headers['x-request-id'], 'a'.repeat(32));
    assert.equal(headers['via'], '1.1 slipway');
    assert.equal((await headersAt(home))['x-slipway-hop'], undefined);
  });

  test('no client can pretend that a request was forwarded, and no internal header leaves the proxy', async (t) => {
    const { front, home } = await openPair(t);
    for (const node of [front, home]) {
      const { headers, body } = await ask(node.port, 'alpha.test', {
        headers: { 'x-slipway-hop': 'forged', 'x-slipway-instance': 'x' },
      });
      const seen = JSON.parse(body) as Record<string, string>;
      assert.equal(seen['x-slipway-hop'], node === front ? front.peer.name : undefined);
      assert.equal(seen['x-slipway-instance'], undefined);
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('x-slipway-')),
        [],
      );
    }
  });

  test('two nodes that each think the other has the app answer 503, and nothing goes round', async (t) => {
    const { front, home } = await openPair(t);
    await home.apply([{ ...routesOf('alpha', []), peers: [front.peer] }]);
    await reachable(home);
    const { status, body } = await ask(front.port, 'alpha.test');
    assert.equal(status, 503);
    assert.match(body, /no running web process/);
    const [line = ''] = await eventually('the line', async () => {
      const all = await routerLines(front);
      return all.length > 0 ? all : undefined;
    });
    assert.match(line, /^at=error code=H14 .* status=503 /);
    assert.deepEqual(await routerLines(home), []);
  });

  test('a node that has just lost the app is passed over, bodies included', async (t) => {
    const { lab, front, home, backend } = await openPair(t);
    const stale = await lab.node('st');
    await start(stale);
    for (const node of [front, home, stale])
      await node.apply(node === home ? [routesOf('alpha', [backend])] : [routesOf('alpha', [])]);
    await front.apply([{ ...routesOf('alpha', []), peers: [home.peer, stale.peer] }]);
    await reachable(front);
    for (let turn = 0; turn < 20; turn += 1) {
      const { status } = await ask(front.port, 'alpha.test', { method: 'POST', body: 'x'.repeat(4_000) });
      assert.equal(status, 200);
    }
  });

  test('no request fails when one of two nodes is lost', async (t) => {
    const { lab, front, home, backend } = await openPair(t);
    const gone = await lab.node('go');
    await start(gone);
    await gone.apply([routesOf('alpha', [backend])]);
    await front.apply([{ ...routesOf('alpha', []), peers: [home.peer, gone.peer] }]);
    await reachable(front);
    await gone.proxy.stop();
    for (let turn = 0; turn < 20; turn += 1) assert.equal((await ask(front.port, 'alpha.test')).status, 200);
    await eventually('it is missed', async () => (await front.proxy.unreachablePeers(0)).join() === gone.peer.nodeId);
  });

  test('the mesh port takes nobody without a certificate, of another fleet, of the controller, with one that has run out, or who is no member', async (t) => {
    const { lab, front, home } = await openPair(t);
    const port = home.peer.port;
    assert.match(await knock(port, { key: front.tls.key, cert: front.tls.certificate }), /^HTTP\/1.1 200/);
    assert.match(await knock(port), /^refused/);
    const stranger = (await issueNode(await makeCa(t), front.peer.nodeId)).tls;
    assert.match(await knock(port, { key: stranger.key, cert: stranger.certificate }), /^refused/);
    const yearAgo = clockAt(() => Date.now() - 365 * 24 * 60 * 60_000);
    const past = await openCa({ dir: lab.ca.dir, mayCreate: false, serverNames: ['localhost'], clock: yearAgo });
    const expired = (await issueNode(past, front.peer.nodeId)).tls;
    assert.match(await knock(port, { key: expired.key, cert: expired.certificate }), /^refused/);
    const controller = await serverTls(lab.ca);
    assert.match(await knock(port, { key: controller.key, cert: controller.certificate }), /^refused/);
    const former = (await issueNode(lab.ca, 'node000000xx')).tls;
    assert.match(await knock(port, { key: former.key, cert: former.certificate }), /^HTTP\/1.1 425/);
  });

  test('a node cannot pass for another, with a good certificate of its own', async (t) => {
    const { lab, front, home } = await openPair(t);
    const liar = await lab.node('li', { tls: (await issueNode(lab.ca, 'node000000zz')).tls });
    await start(liar);
    await liar.apply([routesOf('alpha', [await answering(t)])]);
    await front.apply([{ ...routesOf('alpha', []), peers: [liar.peer] }]);
    await eventually('it is found out', async () => (await front.proxy.unreachablePeers(0)).includes(liar.peer.nodeId));
    assert.equal((await ask(front.port, 'alpha.test')).status, 503);
    await front.apply([{ ...routesOf('alpha', []), peers: [home.peer, liar.peer] }]);
    assert.equal((await headersAt(front))['x-slipway-hop'], front.peer.name);
  });

  test('without a CA, or with a broken one, the proxy does not start', async (t) => {
    const lab = new MeshLab(t, await makeCa(t));
    for (const ca of ['', 'not a certificate\n']) {
      const { tls } = await issueNode(lab.ca, 'node000000br');
      const node = await lab.node('br', { tls: { ...tls, ca } });
      await assert.rejects(node.proxy.ensureRunning(), { code: 'SLIP_PROXY_CONFIG_REFUSED' });
      assert.equal(await node.proxy.healthy(), false);
    }
  });

  test('a renewed certificate is used from the next connection on, without a reload', async (t) => {
    const { lab, front, home } = await openPair(t);
    const worker = await readFile(join(home.stateDir, 'haproxy.pid'), 'utf8');
    const reloads = (): number => home.logger.events.filter(({ event }) => event === 'proxy.reloaded').length;
    const reloadsBefore = reloads();
    const renewed = await issueNode(lab.ca, home.peer.nodeId);
    home.tls = renewed.tls;
    await home.proxy.ensureRunning();
    const socket = tlsConnect({
      host: '127.0.0.1',
      port: home.peer.port,
      rejectUnauthorized: false,
      key: front.tls.key,
      cert: front.tls.certificate,
    });
    await once(socket, 'secureConnect');
    assert.equal(socket.getPeerCertificate().serialNumber.toLowerCase(), renewed.serial);
    socket.destroy();
    assert.ok(home.logger.events.some(({ event }) => event === 'proxy.certificate_renewed'));
    assert.equal(reloads(), reloadsBefore);
    assert.equal(await readFile(join(home.stateDir, 'haproxy.pid'), 'utf8'), worker);
    await headersAt(front);
  });

  test('a certificate that went bad on a running node leaves it with the one it has', async (t) => {
    const { front, home } = await openPair(t);
    await writeFile(join(home.stateDir, 'left-alone'), '');
    home.tls = { ...home.tls, certificate: 'garbage' };
    await home.proxy.ensureRunning();
    await headersAt(front);
    assert.ok(home.logger.events.some(({ event }) => event === 'proxy.certificate_not_renewed'));
  });

  test('one line for a forwarded request, on the node that served it, with its instance and the client', async (t) => {
    const { front, home } = await openPair(t);
    await ask(front.port, 'alpha.test', { path: '/a', headers: { 'x-forwarded-for': '6.6.6.6' } });
    await ask(front.port, 'alpha.test', { path: '/vanish' });
    const lines = await eventually('both lines', async () => {
      const all = await routerLines(home);
      return all.length >= 2 ? all : undefined;
    });
    assert.match(
      lines[0] ?? '',
      /^at=info method=GET path="\/a" host=alpha.test .* fwd="127\.0\.0\.1" dyno=web\.1 .* status=200 /,
    );
    assert.match(lines[1] ?? '', /^at=error code=H13 .* path="\/vanish" .* dyno=web\.1 .* status=503 /);
    assert.equal(lines.length, 2);
    assert.deepEqual(await routerLines(front), []);
  });

  test('instances here come before other nodes, and a first instance takes over at once', async (t) => {
    const { front, home } = await openPair(t);
    const here = await answering(t);
    await front.apply([{ ...routesOf('alpha', [here]), peers: [home.peer] }]);
    assert.equal((await ask(front.port, 'alpha.test')).body, here.id);
    await front.apply([{ ...routesOf('alpha', []), peers: [home.peer] }]);
    assert.equal((await headersAt(front))['x-slipway-hop'], front.peer.name);
  });
});

async function answering(t: TestContext): Promise<TestBackend> {
  const backend = await openBackend('here000001');
  t.after(() => backend[Symbol.asyncDispose]());
  return backend;
}
