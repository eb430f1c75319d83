import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import type { HaproxyConfig } from '../../agent/proxy/haproxy/settings.ts';
import type { AppRoutes } from '../../agent/proxy/port.ts';
import { makeEdgeCa } from '../support/edge-certificates.ts';
import {
  ask,
  freePort,
  openBackend,
  openProxyLab,
  routesOf,
  type Answer,
  type ProxyLab,
  type TestBackend,
} from '../support/proxy-lab.ts';
import { askHttp2, askTls, type TlsAnswer } from '../support/tls-client.ts';

const NAMES = ['shop.test', 'www.shop.test', 'shop.apps.test', '*.wild.test'];
const CANONICAL = 'www.shop.test';
const HSTS = 'strict-transport-security';

interface Scene extends AsyncDisposable {
  readonly lab: ProxyLab;
  readonly tlsPort: number;
  plain(host: string, headers?: Record<string, string>): Promise<Answer>;
  secure(host: string, headers?: Record<string, string>): Promise<readonly TlsAnswer[]>;
  /** @param certified the names with a certificate on this node */
  apply(rules: Partial<AppRoutes>, certified?: readonly string[]): Promise<void>;
}

function acceptUpgrades({ server }: TestBackend): void {
  server.on('upgrade', (incoming, socket) => {
    const key = `${incoming.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write(`${[...head, `Sec-WebSocket-Accept: ${accept}`].join('\r\n')}\r\n\r\n`);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
}

async function openScene(config: Partial<HaproxyConfig> = {}): Promise<Scene> {
  const tlsPort = await freePort();
  const lab = await openProxyLab({ tlsBinds: [{ address: '127.0.0.1', port: tlsPort }], ...config });
  const backend = await openBackend('one0000001', ({ url }, response) => {
    if (url === '/own') response.setHeader('Strict-Transport-Security', 'max-age=7');
    response.end('the app');
  });
  acceptUpgrades(backend);
  const ca = await makeEdgeCa();
  const apply: Scene['apply'] = async (rules, certified = NAMES) => {
    const certificates =
      certified.length === 0 ? [] : [await ca.issue(lab.stateDir, `crt_${certified.length}`, certified)];
    await lab.proxy.apply({ apps: [{ ...routesOf('shop', [backend], NAMES), ...rules }], certificates });
    assert.deepEqual(await lab.proxy.unservedCertificates(), []);
  };
  await lab.proxy.ensureRunning();
  const path = '/a/b?c=d&e=%20';
  const close = async (): Promise<void> => {
    await lab[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  };
  return {
    ...{ lab, tlsPort, apply },
    plain: (host, headers = {}) => ask(lab.port, host, { path, headers }),
    secure: async (host, headers = {}) => [
      await askTls(tlsPort, host, { path, headers }),
      await askHttp2(tlsPort, host, { path, headers }),
    ],
    [Symbol.asyncDispose]: close,
  };
}

const ALL = { redirected: NAMES, canonical: CANONICAL, canonicalHttps: true };
const OTHERS = ['shop.test', 'shop.apps.test', 'any.wild.test'];

/** The status of the answer to an upgrade to a websocket. */
function upgrade(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    const outgoing = request({ host: '127.0.0.1', port, path: '/ws', agent: false, headers: { ...headers, ...key } });
    outgoing.on('error', reject);
    outgoing.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.end();
  });
}

describe('a canonical name through a real haproxy', () => {
  test('all other names lead to it in one redirect with path and query, and it answers itself', async () => {
    await using scene = await openScene();
    await scene.apply(ALL);
    const target = `https://${CANONICAL}:${String(scene.tlsPort)}/a/b?c=d&e=%20`;
    for (const name of OTHERS) {
      for (const answer of [await scene.plain(name), ...(await scene.secure(name))])
        assert.deepEqual([answer.status, answer.headers['location']], [308, target], name);
    }
    for (const { status, body } of await scene.secure(CANONICAL)) assert.deepEqual([status, body], [200, 'the app']);
    assert.equal((await scene.plain(CANONICAL)).headers['location'], target);
  });

  test('without a certificate it is reached by plain HTTP, and requests over HTTPS stay where they are', async () => {
    await using scene = await openScene();
    const others = NAMES.filter((name) => name !== CANONICAL);
    for (const rules of [ALL, { ...ALL, redirected: others, canonicalHttps: false }]) {
      await scene.apply(rules, others);
      const moved = await scene.plain('shop.test');
      assert.equal(moved.headers['location'], `http://${CANONICAL}:${String(scene.lab.port)}/a/b?c=d&e=%20`);
      assert.equal((await scene.plain(CANONICAL)).status, 200, 'no loop');
      for (const { status } of await scene.secure('shop.test')) assert.equal(status, 200);
    }
  });

  test('with the redirect to HTTPS off, each request keeps its protocol', async () => {
    await using scene = await openScene();
    await scene.apply({ ...ALL, redirected: [] });
    const moved = await scene.plain('shop.test');
    assert.equal(moved.headers['location'], `http://${CANONICAL}:${String(scene.lab.port)}/a/b?c=d&e=%20`);
    for (const { headers } of await scene.secure('shop.test'))
      assert.equal(headers.location, `https://${CANONICAL}:${String(scene.tlsPort)}/a/b?c=d&e=%20`);
    assert.equal((await scene.plain(CANONICAL)).status, 200);
  });

  test('upgrades to a websocket are not redirected to it, in both versions of HTTP', async () => {
    await using scene = await openScene();
    await scene.apply({ ...ALL, redirected: [] });
    assert.equal(await upgrade(scene.lab.port, 'shop.test'), 101);
    await scene.apply(ALL);
    assert.equal(await upgrade(scene.lab.port, 'shop.test'), 308, 'to HTTPS with its own name');
    const session = connectHttp2(`https://127.0.0.1:${String(scene.tlsPort)}`, {
      ...{ servername: 'shop.test', rejectUnauthorized: false },
    });
    await once(session, 'remoteSettings');
    const stream = session.request(
      {
        ...{ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', ':path': '/ws' },
        ...{ ':authority': 'shop.test', 'sec-websocket-version': '13' },
      },
      { endStream: false },
    );
    const [answer] = (await once(stream, 'response')) as [{ ':status': number }];
    assert.equal(answer[':status'], 200);
    session.destroy();
  });

  test('a front proxy that ends TLS is redirected too, without a certificate on the node', async () => {
    await using scene = await openScene({ trustedFronts: ['127.0.0.1'] });
    await scene.apply({ canonical: CANONICAL }, []);
    const moved = await scene.plain('shop.test', { 'x-forwarded-proto': 'https' });
    assert.equal(moved.headers['location'], `https://${CANONICAL}/a/b?c=d&e=%20`);
    assert.equal((await scene.plain(CANONICAL, { 'x-forwarded-proto': 'https' })).status, 200);
  });
});

describe('HSTS through a real haproxy', () => {
  const found = (answers: readonly TlsAnswer[]): readonly unknown[] => answers.map(({ headers }) => headers[HSTS]);

  test('the header is in answers over HTTPS only, once, and the header of the app wins', async () => {
    await using scene = await openScene();
    const rules = { redirected: NAMES, hstsMaxAgeS: 5_184_000 };
    for (const [more, expected] of [
      [{}, 'max-age=5184000'],
      [{ hstsIncludeSubdomains: true }, 'max-age=5184000; includeSubDomains'],
      [{ hstsIncludeSubdomains: true, hstsPreload: true }, 'max-age=5184000; includeSubDomains; preload'],
      [{ hstsMaxAgeS: 0 }, 'max-age=0'],
    ] as const) {
      await scene.apply({ ...rules, ...more });
      assert.deepEqual(found(await scene.secure('shop.test')), [expected, expected]);
    }
    for (const headers of [{}, { 'x-forwarded-proto': 'https' }])
      assert.equal((await scene.plain('shop.test', headers)).headers[HSTS], undefined);
    const own = await askTls(scene.tlsPort, 'shop.test', { path: '/own' });
    assert.equal(own.headers[HSTS], 'max-age=7');
  });

  test('redirects over HTTPS have it, and names that are not redirected do not', async () => {
    await using scene = await openScene();
    await scene.apply({ ...ALL, redirected: [CANONICAL, 'shop.test'], hstsMaxAgeS: 60 });
    assert.deepEqual(found(await scene.secure('shop.test')), ['max-age=60', 'max-age=60']);
    const [moved] = await scene.secure('shop.test');
    assert.equal(moved?.status, 308);
    assert.deepEqual(found(await scene.secure('any.wild.test')), [undefined, undefined]);
    await scene.apply({ hstsMaxAgeS: 60, redirected: [] });
    assert.deepEqual(found(await scene.secure('shop.test')), [undefined, undefined]);
  });
});
