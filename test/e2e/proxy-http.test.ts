import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { HaproxyConfig } from '../../agent/proxy/haproxy/settings.ts';
import { createLogs } from '../../agent/logs/logs.ts';
import { UnreadableCount } from '../../agent/logs/unreadable-count.ts';
import { parseRouterLine } from '../../agent/proxy/router-line.ts';
import { NO_APP_MARK, unreadableCause } from '../../agent/proxy/unreadable-request.ts';
import { PAGE_BYTES_MAX } from '../../shared/domain/fleet-routes.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { silentLogger } from '../../shared/kit/log.ts';
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

const ALPHA = 'appalpha' as AppId;

/** The limit for the first byte of an answer in tests that wait for its end. A busy machine may exceed it with every other answer. */
const RESPONSE_MS = 2000;

/** HAProxy reads the clock once for many events. */
const CLOCK_STEP_MS = 1000;

interface Scene extends AsyncDisposable {
  readonly lab: ProxyLab;
  readonly backend: TestBackend;
  /** Messages of the app's router lines, newest last. */
  routerLines(): Promise<string[]>;
}

/** One app whose instance echoes the headers it got, or misbehaves by path. */
async function openScene(config: Partial<HaproxyConfig> = {}): Promise<Scene> {
  const times = {
    requestHeadTimeoutMs: 20_000,
    responseTimeoutMs: 120_000,
    idleTimeoutMs: 20_000,
    connectTimeoutMs: 20_000,
  };
  const lab = await openProxyLab({ ...times, ...config });
  const backend = await openBackend('one0000001', (request, response) => {
    if (request.url === '/hang') return;
    if (request.url === '/vanish') request.socket.destroy();
    else if (request.url === '/garbage') request.socket.end('this is not HTTP\r\n\r\n');
    else if (request.url?.startsWith('/long?'))
      response.setHeader('X-Long', 'x'.repeat(Number(request.url.slice(6)))).end('long');
    else if (request.method === 'POST') request.resume().on('end', () => response.end('uploaded'));
    else response.end(JSON.stringify(request.headers));
  });
  await lab.proxy.ensureRunning();
  await lab.proxy.apply({ apps: [{ ...routesOf('alpha', [backend]), appId: ALPHA }, routesOf('idle', [])] });
  const logs = createLogs(
    { dir: `${lab.stateDir}/platform` },
    {
      clock: systemClock,
      sources: () => [],
      onSourcesChanged: () => () => undefined,
      instanceLogDir: () => undefined,
      routerLogDir: lab.proxy.logDir(),
      routerLine: (text) => parseRouterLine(text),
    },
  );
  const routerLines = async (): Promise<string[]> => {
    const lines: string[] = [];
    const query = { appId: ALPHA, lines: 100, follow: false };
    for await (const line of logs.query(query, new AbortController().signal)) lines.push(line.message);
    return lines;
  };
  const close = async (): Promise<void> => {
    await lab[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  };
  return { lab, backend, routerLines, [Symbol.asyncDispose]: close };
}

/** Bytes as they are; resolves with all that came back until the end. */
async function send(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.setTimeout(120_000, () => socket.destroy());
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

/** An upload in five parts. Resolves with the answer. */
async function uploadSlowly(port: number, durationMs: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('POST /upload HTTP/1.1\r\nHost: alpha.test\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n');
  for (let part = 0; part < 5; part += 1) {
    socket.write('x'.repeat(20_000));
    await delay(durationMs / 5); // the time itself is what is tested
  }
  await closed;
  return Buffer.concat(chunks).toString();
}

describe('requests through a real haproxy', () => {
  test('an app in maintenance answers with its own page or ours, and the router log says H80', async () => {
    await using scene = await openScene();
    const { lab, backend, routerLines } = scene;
    const app = { ...routesOf('alpha', [backend]), appId: ALPHA };
    const page = `<h1>${'ü'.repeat(PAGE_BYTES_MAX / 2 - 10)}</h1>`;
    await lab.proxy.apply({ apps: [{ ...app, maintenance: { page } }] });
    const own = await ask(lab.port, 'alpha.test');
    assert.equal(own.status, 503);
    assert.equal(own.body, page);
    assert.equal(own.headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(own.headers['cache-control'], 'no-store');
    await lab.proxy.apply({ apps: [{ ...app, maintenance: {} }] });
    const browser = await ask(lab.port, 'alpha.test', { headers: { accept: 'text/html' } });
    assert.equal(browser.status, 503);
    assert.match(browser.body, /<h1>This app is in maintenance<\/h1>/);
    assert.match(
      (await ask(lab.port, 'alpha.test', { method: 'POST', body: 'x'.repeat(100_000) })).body,
      /maintenance:off/,
    );
    const lines = await eventually('three lines', async () => {
      const found = (await routerLines()).filter((line) => line.includes('code=H80'));
      return found.length === 3 ? found : undefined;
    });
    for (const line of lines)
      assert.match(line, /^at=error code=H80 desc="Maintenance mode" .* dyno= connect= service= status=503 /);
    await lab.proxy.apply({ apps: [app] });
    assert.equal((await ask(lab.port, 'alpha.test')).status, 200);
  });

  test('the app gets Heroku’s headers, and a client cannot set them itself', async () => {
    await using scene = await openScene();
    const headers = {
      'X-Forwarded-For': '6.6.6.6',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '443',
      Forwarded: 'for=6.6.6.6;proto=https',
      'X-Request-Start': '1',
      'X-Request-Id': 'short"id',
    };
    const beforeMs = Date.now();
    const { body } = await ask(scene.lab.port, 'Alpha.test.:80', { headers });
    const got = JSON.parse(body) as Record<string, string>;
    assert.deepEqual([got['x-forwarded-for'], got['forwarded']], ['127.0.0.1', undefined]);
    assert.equal(got['x-forwarded-proto'], 'http');
    assert.equal(got['x-forwarded-port'], String(scene.lab.port));
    const startMs = Number(got['x-request-start']);
    assert.ok(startMs > beforeMs - CLOCK_STEP_MS && startMs < Date.now() + CLOCK_STEP_MS, String(startMs));
    assert.match(got['x-request-id'] ?? '', /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    assert.equal(got['via'], '1.1 slipway');
    const kept = await ask(scene.lab.port, 'alpha.test', { headers: { 'X-Request-Id': '0123456789abcdef+/=-0123' } });
    assert.equal((JSON.parse(kept.body) as Record<string, string>)['x-request-id'], '0123456789abcdef+/=-0123');
  });

  test('a trusted front proxy sets the address, the protocol and the port of its client; other clients cannot', async () => {
    const claims = async (scene: Scene, headers: Record<string, string>): Promise<(string | undefined)[]> => {
      const { body } = await ask(scene.lab.port, 'alpha.test', { headers });
      const got = JSON.parse(body) as Record<string, string>;
      return [got['x-forwarded-proto'], got['x-forwarded-port'], got['x-forwarded-for']];
    };
    const https = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.9' };
    await using trusting = await openScene({ trustedFronts: ['10.0.0.0/8', '127.0.0.1', 'fd00::/8'] });
    const { port } = trusting.lab;
    assert.deepEqual(await claims(trusting, https), ['https', '443', '203.0.113.9, 127.0.0.1']);
    assert.deepEqual(await claims(trusting, { ...https, 'X-Forwarded-Port': '8443' }), [
      'https',
      '8443',
      '203.0.113.9, 127.0.0.1',
    ]);
    assert.deepEqual(await claims(trusting, { 'X-Forwarded-Proto': 'gopher', 'X-Forwarded-Port': 'x' }), [
      'http',
      String(port),
      '127.0.0.1',
    ]);
    assert.deepEqual(await claims(trusting, {}), ['http', String(port), '127.0.0.1']);
    const line = await eventually('the first router line', async () => (await trusting.routerLines()).at(0));
    assert.match(line, /fwd="203\.0\.113\.9, 127\.0\.0\.1" .* protocol=https$/);
    await using strict = await openScene({ trustedFronts: ['10.0.0.0/8'] });
    assert.deepEqual(await claims(strict, https), ['http', String(strict.lab.port), '127.0.0.1']);
  });

  test('a Host header that is not one host name is a 400, and any spelling of a name leads to its app', async () => {
    await using scene = await openScene();
    const { port } = scene.lab;
    const statusOf = async (lines: string, path = '/'): Promise<number> => {
      const answer = await send(port, `GET ${path} HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`);
      return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
    };
    const bad = [
      'idle.test,alpha.test',
      'idle.test, alpha.test',
      'user@alpha.test',
      'alpha.test:80:80',
      'alpha.test:x',
      'alpha%2etest',
    ];
    for (const host of [
      ...bad,
      '',
      'alpha test',
      '"alpha.test"',
      'älpha.test',
      'alpha.test/',
      'http://alpha.test',
      '<b>alpha</b>.test',
      'x'.repeat(300),
    ]) {
      assert.equal(await statusOf(`Host: ${host}\r\n`), 400, host);
    }
    assert.equal(await statusOf(''), 400, 'no Host header');
    assert.equal(await statusOf('Host: alpha.test\r\nHost: idle.test\r\n'), 400, 'two Host headers');
    assert.equal(
      await statusOf('Host: idle.test\r\n', 'http://alpha.test/'),
      400,
      'a target and a Host header that differ',
    );
    for (const host of ['alpha.test', 'ALPHA.Test', 'alpha.test.', 'alpha.test:8080', 'Alpha.test.:80']) {
      assert.equal(await statusOf(`Host: ${host}\r\n`), 200, host);
    }
    assert.equal(await statusOf('Host: alpha.test\r\n', 'http://alpha.test/'), 200, 'an absolute target');
    for (const host of ['[::1]', '[::1]:80', '192.0.2.1', 'xn--lpha-5qa.test', 'under_score.test', 'nobody.test']) {
      assert.equal(await statusOf(`Host: ${host}\r\n`), 404, host);
    }
  });

  test('requests that the proxy cannot read are counted with the cause of the last one', async () => {
    await using scene = await openScene();
    const { proxy, port } = scene.lab;
    const dir = proxy.logDir();
    const count = new UnreadableCount({
      dir,
      mark: NO_APP_MARK,
      causeOf: unreadableCause,
      clock: systemClock,
      log: silentLogger,
    });
    await count.open();
    await ask(port, 'alpha.test');
    await ask(port, 'nobody.test');
    const cases = [
      [
        'GET / HTTP/1.1\r\nHost: a.test,b.test\r\nConnection: close\r\n\r\n',
        'PR--: the Host header is missing or is not one host name',
      ],
      ['this is not HTTP\r\n\r\n', 'PR--: the request is not valid HTTP, or its headers are too large'],
    ] as const;
    for (const [index, [text, cause]] of cases.entries()) {
      await send(port, text);
      const counted = await eventually(cause, async () => {
        await count.update();
        return count.current()?.count === index + 1 ? count.current() : undefined;
      });
      assert.equal(counted.last?.cause, cause);
    }
    await count.close();
  });

  test('headers of 60 kB pass in both directions; longer ones are refused', async () => {
    await using scene = await openScene();
    const { port } = scene.lab;
    const asked = await ask(port, 'alpha.test', { headers: { Cookie: 'x'.repeat(60_000) } });
    assert.deepEqual(
      [asked.status, (JSON.parse(asked.body) as Record<string, string>)['cookie']?.length],
      [200, 60_000],
    );
    const told = await ask(port, 'alpha.test', { path: '/long?60000' });
    assert.deepEqual([told.status, told.headers['x-long']?.length], [200, 60_000]);
    assert.match(
      await send(port, `GET / HTTP/1.1\r\nHost: alpha.test\r\nX-Long: ${'x'.repeat(70_000)}\r\n\r\n`),
      /^HTTP\/1\.1 400 /,
    );
    const tooLong = await ask(port, 'alpha.test', { path: '/long?70000' });
    assert.equal(tooLong.status, 503);
    const last = await eventually('the line of the failure', async () =>
      (await scene.routerLines()).find((line) => line.includes('70000')),
    );
    assert.match(last, /code=H17 .* status=503/);
  });

  test('an unknown host and an app without instances get a page that says so, as text or HTML', async () => {
    await using scene = await openScene();
    const unknown = await ask(scene.lab.port, 'nobody.test');
    assert.equal(unknown.status, 404);
    assert.match(unknown.body, /^There is no app at this address/);
    assert.equal(unknown.headers['content-type'], 'text/plain');
    const page = await ask(scene.lab.port, 'nobody.test', { headers: { accept: 'text/html,*/*' } });
    assert.equal(page.headers['content-type'], 'text/html');
    const idle = await ask(scene.lab.port, 'idle.test');
    assert.equal(idle.status, 503);
    assert.match(idle.body, /no running web process/);
  });

  test('each failure of the app is a 503 with its H code in the log', async () => {
    await using scene = await openScene();
    await using hasty = await openScene({ responseTimeoutMs: RESPONSE_MS });
    for (const { lab, path } of [
      { lab: hasty.lab, path: '/hang' },
      { lab: scene.lab, path: '/vanish' },
      { lab: scene.lab, path: '/garbage' },
    ]) {
      const { status, body } = await ask(lab.port, 'alpha.test', { path });
      assert.equal(status, 503, path);
      assert.match(body, /This app could not answer/);
    }
    const nowhere = { ...scene.backend, id: 'nowhere0001', port: await freePort() };
    await scene.lab.proxy.apply({ apps: [{ ...routesOf('alpha', [nowhere]), appId: ALPHA }] });
    assert.equal((await ask(scene.lab.port, 'alpha.test', { path: '/refused' })).status, 503);
    const lines = await eventually('four lines', async () => {
      const all = [...(await hasty.routerLines()), ...(await scene.routerLines())];
      return all.length >= 4 ? all : undefined;
    });
    assert.deepEqual(
      lines.map((line) => /code=(H\d+) .* path="(\S+)".* dyno=web\.1 .* status=503/.exec(line)?.slice(1)),
      [
        ['H12', '/hang'],
        ['H13', '/vanish'],
        ['H17', '/garbage'],
        ['H21', '/refused'],
      ],
    );
  });

  test('an upload slower than the limit for the first byte is not cut', async () => {
    await using scene = await openScene({ responseTimeoutMs: RESPONSE_MS });
    // On a busy machine, the answer to an upload that is complete can take longer than the limit, too.
    await eventually('the answer', async () =>
      /^HTTP\/1\.1 200 [^]*uploaded$/.test(await uploadSlowly(scene.lab.port, 1.6 * RESPONSE_MS)),
    );
  });

  test('a request that could be read in two ways, and CONNECT, are refused', async () => {
    await using scene = await openScene();
    const { port } = scene.lab;
    assert.match(
      await send(port, 'GET / HTTP/1.1\r\nHost: alpha.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'),
      /^HTTP\/1\.1 400 /,
    );
    assert.match(await send(port, 'GET / HTTP/1.1\r\nHost : alpha.test\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(
      await send(port, 'CONNECT alpha.test:443 HTTP/1.1\r\nHost: alpha.test:443\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 405 /,
    );
    const both = await send(
      port,
      'POST / HTTP/1.1\r\nHost: alpha.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
    );
    assert.match(both, /^HTTP\/1\.1 (200|400) /); // read as chunked, never by its length
  });

  test('a forged path, host or forwarding chain stays inside its field of the log', async () => {
    await using scene = await openScene({ trustedFronts: ['127.0.0.1'] });
    const headers = { 'X-Forwarded-For': '6.6.6.6" status=200 x="' };
    await ask(scene.lab.port, 'alpha.test', { path: '/a%22b%0Aat=info?q=1', headers });
    const [line = ''] = await eventually('the line', async () => {
      const all = await scene.routerLines();
      return all.length > 0 ? all : undefined;
    });
    assert.match(line, /^at=info method=GET path="\/a%22b%0Aat=info\?q=1" host=alpha\.test /);
    assert.match(line, /fwd="6\.6\.6\.6\\" status=200 x=\\"[^"]*, 127\.0\.0\.1" dyno=web\.1 /);
  });
});
