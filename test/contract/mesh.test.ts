import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import { openCa } from '../../controller/access/ca/open-ca.ts';
import { parseRouterLine } from '../../agent/proxy/router-line.ts';
import { clockAt, issueNode, makeCa, serverTls } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { MeshLab, type MeshNode } from '../support/mesh-lab.ts';
import { ask, openBackend, routesOf, type TestBackend } from '../support/proxy-lab.ts';

interface Pair {
  readonly lab: MeshLab;
  /** Has no instance of alpha. */
  readonly front: MeshNode;
  readonly home: MeshNode;
  readonly backend: TestBackend;
}

const echo = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.url === '/vanish') request.socket.destroy();
  else request.resume().on('end', () => response.end(JSON.stringify(request.headers)));
};

/** alpha runs on `home` alone. */
async function openPair(t: TestContext): Promise<Pair> {
  const lab = new MeshLab(t, await makeCa(t));
  const [front, home] = [await lab.node('fr'), await lab.node('ho')];
  const backend = await openBackend('one0000001', echo);
  t.after(() => backend[Symbol.asyncDispose]());
  await start(front, home);
  await home.apply([routesOf('alpha', [backend])]);
  await front.apply([{ ...routesOf('alpha', []), peers: [home.peer] }]);
  await reachable(front);
  return { lab, front, home, backend };
}

async function start(...nodes: readonly MeshNode[]): Promise<void> {
  for (const node of nodes) await node.proxy.ensureRunning();
}

async function reachable(node: MeshNode): Promise<void> {
  await eventually('its peers are up', async () => (await node.proxy.unreachablePeers()).length === 0);
}

async function headersAt(node: MeshNode, headers: Record<string, string> = {}): Promise<Record<string, string>> {
  const { status, body } = await ask(node.port, 'alpha.test', { headers });
  assert.equal(status, 200, body);
  return JSON.parse(body) as Record<string, string>;
}

/** Router lines of an app on a node, oldest first. */
async function routerLines(node: MeshNode): Promise<string[]> {
  const text = await readFile(join(node.stateDir, 'log', 'current'), 'utf8');
  return text.split('\n').flatMap((line) => parseRouterLine(line.slice(line.indexOf('slip1')))?.message ?? []);
}

/** What a client with this certificate gets from a mesh port: a status line, or why not. */
async function knock(port: number, tls: { key?: string; cert?: string } = {}): Promise<string> {
  const socket = tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...tls });
  const chunks: Buffer[] = [];
  const failures: string[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', (error: Error) => failures.push(error.message));
  socket.write('GET / HTTP/1.1\r\nHost: alpha.test\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => socket.on('close', resolve));
  return chunks.length > 0 ? (Buffer.concat(chunks).toString().split('\r\n')[0] ?? '') : `refused ${failures.join()}`;
}

function serialIn(certificate: string): string {
  return new X509Certificate(certificate).serialNumber.toLowerCase();
}

/** The head of the answer to one more request on an open connection; empty when it was hung up. */
async function requestOn(socket: TLSSocket): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    socket.once('close', () => resolve(''));
  });
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: alpha.test\r\n\r\n');
  return answer;
}

describe('any node answers: the mesh of real proxies', () => {
  test('a node without the app sends its requests to one that has it, with what the client said', async (t) => {
    const { front, home } = await openPair(t);
    const headers = await headersAt(front, { 'x-forwarded-for': '6.6.6.6', 'x-request-id': 'a'.repeat(32) });
    assert.equal(headers['x-slipway-hop'], front.peer.name);
    assert.equal(headers['x-forwarded-for'], '6.6.6.6, 127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'http');
    assert.equal(headers['x-forwarded-port'], String(front.port));
    assert.equal(headers['x-request-id'], 'a'.repeat(32));
    assert.equal(headers['via'], '1.1 slipway');
    assert.equal((await headersAt(home))['x-slipway-hop'], undefined);
  });

  test('from outside nobody can say that a request has been forwarded, and no internal header gets out', async (t) => {
    const { front, home } = await openPair(t);
    for (const node of [front, home]) {
      const { headers, body } = await ask(node.port, 'alpha.test', { headers: { 'x-slipway-hop': 'forged', 'x-slipway-instance': 'x' } });
      const seen = JSON.parse(body) as Record<string, string>;
      assert.equal(seen['x-slipway-hop'], node === front ? front.peer.name : undefined);
      assert.equal(seen['x-slipway-instance'], undefined);
      assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('x-slipway-')), []); // prettier-ignore
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
    for (const node of [front, home, stale]) await node.apply(node === home ? [routesOf('alpha', [backend])] : [routesOf('alpha', [])]);
    await front.apply([{ ...routesOf('alpha', []), peers: [home.peer, stale.peer] }]);
    await reachable(front);
    for (let turn = 0; turn < 20; turn += 1) {
      const { status } = await ask(front.port, 'alpha.test', { method: 'POST', body: 'x'.repeat(4_000) });
      assert.equal(status, 200);
    }
  });

  test('a node that is gone costs no request while another serves', async (t) => {
    const { lab, front, home, backend } = await openPair(t);
    const gone = await lab.node('go');
    await start(gone);
    await gone.apply([routesOf('alpha', [backend])]);
    await front.apply([{ ...routesOf('alpha', []), peers: [home.peer, gone.peer] }]);
    await reachable(front);
    await gone.proxy.stop();
    for (let turn = 0; turn < 20; turn += 1) assert.equal((await ask(front.port, 'alpha.test')).status, 200);
    await eventually('it is missed', async () => (await front.proxy.unreachablePeers()).join() === gone.peer.nodeId);
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
    assert.match(await knock(port, { key: former.key, cert: former.certificate }), /^HTTP\/1.1 403/);
  });

  test('a node cannot pass for another, with a good certificate of its own', async (t) => {
    const { lab, front, home } = await openPair(t);
    const liar = await lab.node('li', { tls: (await issueNode(lab.ca, 'node000000zz')).tls });
    await start(liar);
    await liar.apply([routesOf('alpha', [await answering(t)])]);
    await front.apply([{ ...routesOf('alpha', []), peers: [liar.peer] }]);
    await eventually('it is found out', async () => (await front.proxy.unreachablePeers()).includes(liar.peer.nodeId));
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
    const reloads = (): number => home.logger.events.filter(({ event }) => event === 'proxy.reload').length;
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
      /^at=info method=GET path="\/a" host=alpha.test .* fwd="6\.6\.6\.6, 127\.0\.0\.1" dyno=web\.1 .* status=200 /,
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
    const reloads = (): number => home.logger.events.filter(({ event }) => event === 'proxy.reload').length;
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
    for (let turn = 0; turn < 10; turn += 1) assert.equal((await ask(front.port, 'alpha.test')).status, 200, `turn ${String(turn)}`);
  });

  test('who answers with a former certificate of a node is not believed either', async (t) => {
    const { lab, front, home } = await openPair(t);
    await headersAt(front);
    const routes = [{ ...routesOf('alpha', []), peers: [home.peer] }];
    await front.apply(routes, [serialIn(home.tls.certificate)]);
    assert.equal((await ask(front.port, 'alpha.test')).status, 503);
    home.tls = (await issueNode(lab.ca, home.peer.nodeId)).tls;
    await home.proxy.ensureRunning();
    await eventually('the rejoined node is believed', async () => (await ask(front.port, 'alpha.test')).status === 200);
  });
});

async function answering(t: TestContext): Promise<TestBackend> {
  const backend = await openBackend('here000001');
  t.after(() => backend[Symbol.asyncDispose]());
  return backend;
}
