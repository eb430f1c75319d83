import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseAccessLine, renderRouterLine } from '../../agent/proxy/router-line.ts';
import type { HaproxyConfig } from '../../agent/proxy/haproxy/settings.ts';
import type { ProxyRoutes } from '../../agent/proxy/port.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { makeEdgeCa, type EdgeCa } from '../support/edge-certificates.ts';
import { eventually } from '../support/eventually.ts';
import {
  ask,
  freePort,
  openBackend,
  openProxyLab,
  routesOf,
  type ProxyLab,
  type TestBackend,
} from '../support/proxy-lab.ts';
import { askHttp2, askTls, handshake } from '../support/tls-client.ts';

const THUMBPRINT = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ';
const TOKEN = '0123456789abcdef_-XYZ';

interface Scene extends AsyncDisposable {
  readonly lab: ProxyLab;
  readonly tlsPort: number;
  readonly backend: TestBackend;
  readonly ca: EdgeCa;
  apply(routes?: Partial<ProxyRoutes>): Promise<void>;
  /** Router lines so far. */
  lines(): Promise<readonly string[]>;
}

/** The app alpha with a certificate for alpha.test and www.alpha.test, and the app bare without one. */
async function openScene(config: Partial<HaproxyConfig> = {}): Promise<Scene> {
  const tlsPort = await freePort();
  const lab = await openProxyLab({ tlsBinds: [{ address: '127.0.0.1', port: tlsPort }], ...config });
  const backend = await openBackend('one0000001', (request, response) =>
    response.end(JSON.stringify({ url: request.url, ...request.headers })),
  );
  backend.server.on('upgrade', (request, socket) => {
    const key = `${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  const ca = await makeEdgeCa();
  const certificates = [await ca.issue(lab.stateDir, 'crt_alpha', ['alpha.test', 'www.alpha.test'])];
  const alpha = { ...routesOf('alpha', [backend], ['alpha.test', 'www.alpha.test']), appId: 'app00001' as AppId };
  const bare = { ...routesOf('bare', [{ ...backend, id: 'bare000001' }]), appId: 'app00002' as AppId };
  const apply = async (routes: Partial<ProxyRoutes> = {}): Promise<void> => {
    await lab.proxy.apply({ apps: [alpha, bare], certificates, ...routes });
    assert.deepEqual(await lab.proxy.unservedCertificates(), []);
  };
  await lab.proxy.ensureRunning();
  await apply();
  const lines = async (): Promise<readonly string[]> =>
    (await readFile(join(lab.proxy.logDir(), 'current'), 'utf8')).split('\n').flatMap((line) => {
      const record = parseAccessLine(line.slice(line.indexOf('slip1')));
      return record === undefined ? [] : [renderRouterLine(record)];
    });
  const close = async (): Promise<void> => {
    await lab[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  };
  return { lab, tlsPort, backend, ca, apply, lines, [Symbol.asyncDispose]: close };
}

function alphaRoutes({ backend }: Pick<Scene, 'backend'>, rules: Partial<ProxyRoutes['apps'][number]>): ProxyRoutes {
  const alpha = { ...routesOf('alpha', [backend], ['alpha.test', 'www.alpha.test']), appId: 'app00001' as AppId };
  const bare = { ...routesOf('bare', [{ ...backend, id: 'bare000001' }]), appId: 'app00002' as AppId };
  return { apps: [{ ...alpha, ...rules }, bare] };
}

const headersOf = (body: string): Record<string, string> => JSON.parse(body) as Record<string, string>;

describe('HTTPS through a real haproxy', () => {
  test('both versions of HTTP reach the app with true headers, and the router lines are the same', async () => {
    await using scene = await openScene();
    const { tlsPort, ca } = scene;
    for (const send of [askTls, askHttp2]) {
      const { status, body } = await send(tlsPort, 'alpha.test', {
        ca: ca.pem,
        path: '/a%20b?q="1',
        headers: { 'x-forwarded-proto': 'http', 'x-forwarded-for': '6.6.6.6' },
      });
      const got = headersOf(body);
      assert.equal(status, 200);
      assert.deepEqual(
        [got['url'], got['x-forwarded-proto'], got['x-forwarded-port'], got['x-forwarded-for']],
        ['/a%20b?q="1', 'https', String(tlsPort), '127.0.0.1'],
      );
    }
    const lines = await eventually('two lines', async () => {
      const found = (await scene.lines()).filter((line) => line.includes('/a%20b'));
      return found.length === 2 ? found : undefined;
    });
    for (const line of lines)
      assert.match(
        line,
        /^at=info method=GET path="\/a%20b\?q=\\"1" host=alpha\.test .* dyno=web\.1 .* status=200 .* protocol=https$/,
      );
  });

  test('old clients with TLS 1.2 work; TLS 1.1, and plain HTTP on the port for HTTPS, are refused', async () => {
    await using scene = await openScene();
    const { tlsPort, ca } = scene;
    const old = await handshake(tlsPort, {
      servername: 'alpha.test',
      maxVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ca: ca.pem,
    });
    assert.equal(old.getProtocol(), 'TLSv1.2');
    old.destroy();
    await assert.rejects(
      handshake(tlsPort, {
        servername: 'alpha.test',
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      }),
    );
    const socket = connect(tlsPort, '127.0.0.1');
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.write('GET / HTTP/1.1\r\nHost: alpha.test\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    assert.doesNotMatch(text, /HTTP\/1/);
    assert.equal((await askTls(tlsPort, 'alpha.test', { ca: ca.pem })).status, 200);
  });

  test('a name without a certificate gets the fallback and a page, an unknown name a 404', async () => {
    await using scene = await openScene();
    const { tlsPort, lab } = scene;
    for (const send of [askTls, askHttp2]) {
      const { status, body } = await send(tlsPort, 'bare.test');
      assert.equal(status, 421);
      assert.match(body, /^This address has no certificate on this server yet/);
      assert.equal((await send(tlsPort, 'nobody.test')).status, 404);
      assert.equal((await send(tlsPort, 'alpha.test', { serverName: '' })).status, 200, 'a client that sends no name');
    }
    const html = await askTls(tlsPort, 'bare.test', { headers: { accept: 'text/html' } });
    assert.match(html.body, /<h1>This address has no certificate/);
    assert.equal((await ask(lab.port, 'bare.test')).status, 200, 'plain HTTP');
    const socket = await handshake(tlsPort, { servername: 'bare.test' });
    assert.equal(socket.getPeerCertificate().subject.O, 'Slipway');
    assert.equal(socket.getPeerCertificate().subjectaltname, undefined);
    socket.destroy();
  });

  test('a websocket works over HTTP/2, and CONNECT without one is refused', async () => {
    await using scene = await openScene();
    const session = connectHttp2(`https://127.0.0.1:${String(scene.tlsPort)}`, {
      servername: 'alpha.test',
      ca: scene.ca.pem,
    });
    await once(session, 'remoteSettings');
    const stream = session.request(
      {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':scheme': 'https',
        ':path': '/ws',
        ':authority': 'alpha.test',
        'sec-websocket-version': '13',
      },
      { endStream: false },
    );
    const [answer] = (await once(stream, 'response')) as [{ ':status': number }];
    assert.equal(answer[':status'], 200);
    stream.write('hello');
    const [data] = (await once(stream, 'data')) as [Buffer];
    assert.equal(data.toString(), 'hello');
    stream.close();
    const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'alpha.test:443' }, { endStream: false });
    const [refused] = (await once(tunnel, 'response')) as [{ ':status': number }];
    assert.equal(refused[':status'], 405);
    session.destroy();
    const line = await eventually('its line', async () =>
      (await scene.lines()).find((each) => each.includes('path="/ws"')),
    );
    assert.match(line, /status=101 .* protocol=https$/);
  });

  test('plain requests go to HTTPS with path and query; one that says it came by HTTPS does not', async () => {
    await using scene = await openScene();
    const { lab, tlsPort } = scene;
    await scene.apply(alphaRoutes(scene, { redirected: ['alpha.test', 'www.alpha.test'], hstsMaxAgeS: 5_184_000 }));
    const moved = await ask(lab.port, 'Alpha.test:80', { path: '/a/b?c=d&e', method: 'POST' });
    assert.deepEqual(
      [moved.status, moved.headers['location']],
      [308, `https://alpha.test:${String(tlsPort)}/a/b?c=d&e`],
    );
    assert.equal(moved.headers['strict-transport-security'], undefined);
    const liar = await ask(lab.port, 'alpha.test', { headers: { 'x-forwarded-proto': 'https' } });
    assert.deepEqual([liar.status, headersOf(liar.body)['x-forwarded-proto']], [200, 'http']);
    assert.equal(liar.headers['strict-transport-security'], undefined);
    for (const send of [askTls, askHttp2]) {
      const secure = await send(tlsPort, 'alpha.test');
      assert.deepEqual([secure.status, secure.headers['strict-transport-security']], [200, 'max-age=5184000']);
    }
    assert.equal((await ask(lab.port, 'bare.test')).status, 200, 'another app');
    const line = await eventually('its line', async () =>
      (await scene.lines()).find((each) => each.includes('status=308')),
    );
    assert.match(
      line,
      /^at=info method=POST path="\/a\/b\?c=d&e" host=alpha\.test .* dyno= connect= service= status=308/,
    );
  });

  test('the canonical name is reached in one redirect, and a name without a certificate is never sent to HTTPS', async () => {
    await using scene = await openScene();
    const { lab, tlsPort } = scene;
    const target = `https://www.alpha.test:${String(tlsPort)}/x?y`;
    await scene.apply(
      alphaRoutes(scene, {
        ...{ redirected: ['alpha.test', 'www.alpha.test'], canonical: 'www.alpha.test', canonicalHttps: true },
      }),
    );
    assert.equal((await ask(lab.port, 'alpha.test', { path: '/x?y' })).headers['location'], target);
    assert.equal((await askTls(tlsPort, 'alpha.test', { path: '/x?y' })).headers.location, target);
    assert.equal((await ask(lab.port, 'www.alpha.test', { path: '/x?y' })).headers['location'], target);
    assert.equal((await askTls(tlsPort, 'www.alpha.test', { path: '/x?y' })).status, 200);
    await scene.apply({
      ...alphaRoutes(scene, { redirected: ['alpha.test'], canonical: 'www.alpha.test' }),
      certificates: [],
    });
    const plain = await ask(lab.port, 'alpha.test', { path: '/x?y' });
    assert.equal(plain.headers['location'], `http://www.alpha.test:${String(lab.port)}/x?y`);
    assert.equal((await ask(lab.port, 'www.alpha.test')).status, 200);
  });

  test('a challenge of the CA is answered before every other rule, on both ports', async () => {
    await using scene = await openScene();
    const { lab, tlsPort } = scene;
    const rules = { redirected: ['alpha.test', 'www.alpha.test'], canonical: 'www.alpha.test', maintenance: {} };
    await scene.apply({ ...alphaRoutes(scene, rules), acmeThumbprint: THUMBPRINT });
    const path = `/.well-known/acme-challenge/${TOKEN}`;
    const answers = [
      await ask(lab.port, 'alpha.test', { path }),
      await askTls(tlsPort, 'alpha.test', { path }),
      await askHttp2(tlsPort, 'alpha.test', { path }),
      await ask(lab.port, 'bare.test', { path }),
      await askTls(tlsPort, 'bare.test', { path }),
    ];
    for (const { status, body, headers } of answers) {
      assert.deepEqual([status, body, headers['content-type']], [200, `${TOKEN}.${THUMBPRINT}`, 'text/plain']);
      assert.equal(headers['x-content-type-options'], 'nosniff');
    }
    assert.equal((await ask(lab.port, 'nobody.test', { path })).status, 404, 'a name that is not ours');
    await scene.apply({ acmeThumbprint: THUMBPRINT });
    for (const other of [
      `/.well-known/acme-challenge/../${TOKEN}`,
      `/.well-known/acme-challenge/%30${TOKEN}`,
      `/.well-known/%61cme-challenge/${TOKEN}`,
      `${path}/x`,
      '/.well-known/acme-challenge/short',
      `/.well-known/acme-challenge/x"${TOKEN}`,
    ]) {
      for (const send of [askTls, askHttp2])
        assert.equal(headersOf((await send(tlsPort, 'alpha.test', { path: other })).body)['url'], other);
    }
    await scene.apply();
    assert.equal(headersOf((await ask(lab.port, 'alpha.test', { path })).body)['url'], path, 'without an account');
  });

  test('a front proxy may use HTTPS for a name without a certificate, and its word counts for its client', async () => {
    await using scene = await openScene({ trustedFronts: ['127.0.0.1'] });
    const { tlsPort } = scene;
    const open = await askTls(tlsPort, 'bare.test', { headers: { 'x-forwarded-proto': 'https' } });
    assert.deepEqual([open.status, headersOf(open.body)['x-forwarded-port']], [200, '443']);
    await scene.apply(alphaRoutes(scene, { redirected: ['alpha.test'] }));
    const plain = await askTls(tlsPort, 'alpha.test', { headers: { 'x-forwarded-proto': 'http' } });
    assert.equal(plain.status, 308);
  });

  test('a load balancer with the PROXY protocol tells the address of its client, and others cannot', async () => {
    await using scene = await openScene({ proxyProtocolFronts: ['127.0.0.1'] });
    const talk = async (text: string): Promise<string> => {
      const socket = connect(scene.lab.port, '127.0.0.1');
      socket.on('error', () => undefined);
      let reply = '';
      socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
      socket.write(text);
      await new Promise((resolve) => socket.once('close', resolve));
      return reply;
    };
    const get = 'GET / HTTP/1.1\r\nHost: alpha.test\r\nConnection: close\r\n\r\n';
    assert.match(
      await talk(`PROXY TCP4 203.0.113.9 192.0.2.1 5555 80\r\n${get}`),
      /"x-forwarded-for":"203\.0\.113\.9"/,
    );
    assert.equal(await talk(get), '', 'a front that does not send the header');
    await using strict = await openScene({ proxyProtocolFronts: ['192.0.2.0/24'] });
    assert.equal((await ask(strict.lab.port, 'alpha.test')).status, 200);
  });
});

describe('a node that answers no HTTPS by a rule of the fleet', () => {
  test('closes the port and removes the keys; plain HTTP and challenges work; later it answers HTTPS again', async () => {
    await using scene = await openScene();
    const { lab, tlsPort, ca } = scene;
    const dir = join(lab.stateDir, 'certificates');
    assert.ok((await readdir(dir)).includes('crt_alpha.pem'));
    await scene.apply({ certificates: [], plainOnly: true, acmeThumbprint: THUMBPRINT });
    await assert.rejects(askTls(tlsPort, 'alpha.test', { ca: ca.pem }));
    assert.deepEqual(
      (await readdir(dir)).filter((file) => file.startsWith('crt_')),
      [],
    );
    assert.deepEqual(lab.proxy.problems(), []);
    assert.equal((await ask(lab.port, 'alpha.test')).status, 200);
    const challenge = await ask(lab.port, 'alpha.test', { path: `/.well-known/acme-challenge/${TOKEN}` });
    assert.deepEqual([challenge.body, challenge.headers['x-slipway-https']], [`${TOKEN}.${THUMBPRINT}`, 'off']);
    assert.equal(challenge.headers['x-slipway-scheme'], 'http');
    await lab.proxy.ensureRunning();
    await assert.rejects(askTls(tlsPort, 'alpha.test', { ca: ca.pem }), 'after a repair');
    await scene.apply();
    assert.equal((await askTls(tlsPort, 'alpha.test', { ca: ca.pem })).status, 200);
  });
});

describe('a port for HTTPS that another program has', () => {
  test('plain HTTP is served and the problem is named; HTTPS begins when the port is free', async () => {
    const taken = await openBackend('taken00000');
    await using scene = await openProxyLab({ tlsBinds: [{ address: '127.0.0.1', port: taken.port }] });
    await using backend = await openBackend('one0000001');
    await scene.proxy.ensureRunning();
    const dir = scene.stateDir;
    const ca = await makeEdgeCa();
    const certificates = [await ca.issue(dir, 'crt_alpha', ['alpha.test'])];
    await scene.proxy.apply({ apps: [routesOf('alpha', [backend])], certificates });
    assert.equal((await ask(scene.port, 'alpha.test')).status, 200);
    assert.match(scene.proxy.problems().join(), new RegExp(`^another program has port ${String(taken.port)} `));
    assert.match((await scene.proxy.unservedCertificates())[0]?.reason ?? '', /another program has port/);
    await taken[Symbol.asyncDispose]();
    await scene.proxy.ensureRunning();
    assert.deepEqual(scene.proxy.problems(), []);
    assert.deepEqual(await scene.proxy.unservedCertificates(), []);
    assert.equal((await askTls(taken.port, 'alpha.test', { ca: ca.pem })).status, 200);
  });
});
