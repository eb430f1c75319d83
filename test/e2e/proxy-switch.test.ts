import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Proxy } from '../../agent/proxy/port.ts';
import { run } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { killProcess } from '../support/kill-process.ts';
import {
  ask,
  freePort,
  openBackend,
  openProxyLab,
  routesOf,
  type ProxyLab,
  type TestBackend,
} from '../support/proxy-lab.ts';

interface Load {
  readonly requests: number;
  /** What wrk printed. */
  readonly report: string;
  /** Socket errors, timeouts and answers other than 2xx and 3xx. */
  readonly failed: number;
}

/** wrk for some seconds on one host, while `work` goes on. */
async function underLoad(
  lab: ProxyLab,
  options: { seconds: number; close?: boolean },
  work: () => Promise<void>,
): Promise<Load> {
  const headers = ['-H', 'Host: alpha.test', ...(options.close === true ? ['-H', 'Connection: close'] : [])];
  // The limit of wrk is 2 s by default, and on a busy machine an answer may take longer.
  const args = [
    '-t1',
    '-c16',
    `-d${String(options.seconds)}s`,
    '--timeout',
    '100s',
    ...headers,
    `http://127.0.0.1:${String(lab.port)}/`,
  ];
  const [result] = await Promise.all([run({ file: 'wrk', args, timeoutMs: 120_000 }), work()]);
  assert.equal(result.code, 0, result.stderr);
  const number = (pattern: RegExp): number => Number(pattern.exec(result.stdout)?.[1] ?? 0);
  const sockets =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(result.stdout)?.slice(1) ?? [];
  const failed = sockets.reduce((sum, count) => sum + Number(count), number(/Non-2xx or 3xx responses: (\d+)/));
  return { requests: number(/(\d+) requests in/), report: result.stdout, failed };
}

/** One release after another, the old process gone as soon as nothing is open on it. */
async function switchReleases(
  proxy: Proxy,
  from: TestBackend,
  options: { count: number; prefix: string },
): Promise<TestBackend> {
  let old = from;
  for (let turn = 0; turn < options.count; turn += 1) {
    const next = await openBackend(`${options.prefix}${String(turn).padStart(4, '0')}`);
    await proxy.apply({ apps: [routesOf('alpha', [next])] });
    await eventually('drained', async () => (await proxy.inFlight(old.id)) === 0);
    await old[Symbol.asyncDispose]();
    await proxy.forget(old.id);
    old = next;
  }
  return old;
}

/** A backend that upgrades to an echo on /echo. */
async function openEcho(id: string): Promise<TestBackend> {
  const backend = await openBackend(id);
  backend.server.on('upgrade', (request, socket: Socket) => {
    const key = `${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    const head = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${accept}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.pipe(socket);
    socket.on('error', () => undefined);
  });
  return backend;
}

async function openTunnel(port: number): Promise<{ echo: (text: string) => Promise<string>; socket: Socket }> {
  const socket = connect(port, '127.0.0.1');
  const request = ['GET /echo HTTP/1.1', 'Host: alpha.test', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write(
    `${request.join('\r\n')}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  assert.match(head.toString(), /^HTTP\/1\.1 101 /);
  const echo = async (text: string): Promise<string> => {
    socket.write(text);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString();
  };
  return { echo, socket };
}

async function pidIn(lab: ProxyLab, file: string): Promise<number> {
  return Number((await readFile(join(lab.stateDir, file), 'utf8')).split(' ')[0]);
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run({ file: 'pgrep', args: ['-P', String(pid)] });
  return stdout.split('\n').filter(Boolean).map(Number);
}

async function openLive(): Promise<{ lab: ProxyLab & AsyncDisposable; first: TestBackend }> {
  const lab = await openProxyLab();
  const first = await openEcho('first00000');
  await lab.proxy.ensureRunning();
  await lab.proxy.apply({ apps: [routesOf('alpha', [first])] });
  return { lab, first };
}

describe('switching releases behind a real haproxy', () => {
  test('20 reloads under load lose no request', async () => {
    const { lab, first } = await openLive();
    await using _lab = lab;
    const load = await underLoad(lab, { seconds: 8 }, async () => {
      const master = await pidIn(lab, 'haproxy.pid');
      for (let turn = 0; turn < 20; turn += 1) {
        const before = await childrenOf(master);
        process.kill(master, 'SIGUSR2');
        await eventually('a new worker', async () => (await childrenOf(master)).some((pid) => !before.includes(pid)));
        await eventually('the old worker is gone', async () => (await childrenOf(master)).length === 1);
      }
    });
    assert.equal(load.failed, 0, load.report);
    await first[Symbol.asyncDispose]();
  });

  for (const close of [false, true]) {
    test(`30 releases under load lose no request (${close ? 'Connection: close' : 'keep-alive'})`, async () => {
      const { lab, first } = await openLive();
      await using _lab = lab;
      let last = first;
      const load = await underLoad(lab, { seconds: 10, close }, async () => {
        last = await switchReleases(lab.proxy, first, { count: 30, prefix: 'next' });
      });
      await last[Symbol.asyncDispose]();
      assert.ok(load.requests > 0, 'there were requests');
      assert.equal(load.failed, 0, load.report);
    });
  }

  test('a websocket and a slow answer survive the switch of their release', async () => {
    const { lab, first } = await openLive();
    await using _lab = lab;
    const tunnel = await openTunnel(lab.port);
    let finish = (): void => undefined;
    const slow = await openBackend('slow000000', (_request, response) => {
      response.write('begun ');
      finish = () => response.end('finished');
    });
    await lab.proxy.apply({ apps: [routesOf('alpha', [slow])] });
    const answer = ask(lab.port, 'alpha.test');
    await eventually('the slow request', async () => (await lab.proxy.inFlight(slow.id)) === 1);
    await using next = await openBackend('next000000');
    await lab.proxy.apply({ apps: [routesOf('alpha', [next])] });
    assert.equal(await tunnel.echo('still here'), 'still here');
    assert.equal(await lab.proxy.inFlight(first.id), 1);
    finish();
    assert.equal((await answer).body, 'begun finished');
    const closed = once(tunnel.socket, 'close');
    await lab.proxy.forget(first.id);
    await closed;
    await Promise.all([first, slow].map((backend) => backend[Symbol.asyncDispose]()));
  });

  test('a reload by hand and a new agent in mid-switch lose no request', async () => {
    const { lab, first } = await openLive();
    await using _lab = lab;
    let last = first;
    const load = await underLoad(lab, { seconds: 6 }, async () => {
      for (const prefix of ['a', 'b', 'c']) {
        process.kill(await pidIn(lab, 'haproxy.pid'), 'SIGUSR2');
        last = await switchReleases(prefix === 'b' ? lab.reopen() : lab.proxy, last, {
          count: 1,
          prefix: `hand${prefix}`,
        });
        last = await switchReleases(lab.reopen(), last, { count: 2, prefix: `after${prefix}` });
      }
    });
    await last[Symbol.asyncDispose]();
    assert.equal(load.failed, 0, load.report);
  });

  test('a proxy that is killed during a switch restarts with the new routes', async () => {
    const { lab, first } = await openLive();
    await using _lab = lab;
    await using next = await openBackend('next000000');
    const master = await pidIn(lab, 'haproxy.pid');
    const workers = await childrenOf(master);
    const applied = lab.proxy.apply({ apps: [routesOf('alpha', [next])] });
    // A worker ends by itself when its master is gone.
    for (const pid of [master, ...workers]) killProcess(pid);
    await applied;
    const { body } = await eventually('an answer', () => ask(lab.port, 'alpha.test').catch(() => undefined));
    assert.equal(body, next.id);
    await first[Symbol.asyncDispose]();
  });

  test('killed together with its watcher it is started again with the routes of the last apply', async () => {
    const { lab, first } = await openLive();
    await using _lab = lab;
    const master = await pidIn(lab, 'haproxy.pid');
    const watcher = await pidIn(lab, 'watch.pid');
    process.kill(watcher, 'SIGKILL');
    const agent = lab.reopen();
    await eventually('a new watcher', async () => {
      await agent.ensureRunning();
      return (await pidIn(lab, 'watch.pid')) !== watcher;
    });
    assert.equal(await pidIn(lab, 'haproxy.pid'), master, 'a proxy that runs is taken over as it is');
    process.kill(master, 'SIGKILL');
    await eventually('a new process', async () => (await pidIn(lab, 'haproxy.pid').catch(() => master)) !== master);
    const { body } = await eventually('an answer', () => ask(lab.port, 'alpha.test').catch(() => undefined));
    assert.equal(body, first.id);
    await first[Symbol.asyncDispose]();
  });

  test('a growing pool of 40 more apps loses no request of another app, and a lost table is rebuilt', async () => {
    const { lab, first } = await openLive();
    await using _lab = lab;
    const others = Array.from({ length: 40 }, (_, index) =>
      routesOf(`other-${String(index)}`, [{ ...first, id: `other${String(index)}` }]),
    );
    const load = await underLoad(lab, { seconds: 8 }, async () => {
      for (const count of [5, 6, 20, 40])
        await lab.proxy.apply({ apps: [routesOf('alpha', [first]), ...others.slice(0, count)] });
      await run({ file: 'rm', args: [join(lab.stateDir, 'slots.json')] });
      await lab.reopen().apply({ apps: [...others.slice(10), routesOf('alpha', [first])] });
    });
    assert.equal(load.failed, 0, load.report);
    assert.equal((await ask(lab.port, 'other-39.test')).body, first.id);
    assert.equal((await ask(lab.port, 'other-3.test')).status, 404);
    await first[Symbol.asyncDispose]();
  });

  test('more instances than a backend has slots get their share without a reload', async () => {
    const { lab, first } = await openLive();
    await using _lab = lab;
    const pid = await childrenOf(await pidIn(lab, 'haproxy.pid'));
    const many = await Promise.all(Array.from({ length: 11 }, (_, index) => openBackend(`many${String(index)}`)));
    await lab.proxy.apply({ apps: [routesOf('alpha', many)] });
    const seen = new Set<string>();
    for (let turn = 0; turn < 44; turn += 1) seen.add((await ask(lab.port, 'alpha.test')).body);
    assert.equal(seen.size, 11);
    assert.deepEqual(await childrenOf(await pidIn(lab, 'haproxy.pid')), pid);
    await Promise.all([first, ...many].map((backend) => backend[Symbol.asyncDispose]()));
  });

  test('a busy port is named before anything is started', async () => {
    await using taken = await openBackend('taken00000');
    await using lab = await openProxyLab({ binds: [{ address: '127.0.0.1', port: taken.port }] });
    await assert.rejects(lab.proxy.ensureRunning(), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'SLIP_PROXY_PORT_BUSY');
      assert.match(error.message, new RegExp(String(taken.port)));
      return true;
    });
    assert.ok((await freePort()) > 0);
  });
});
