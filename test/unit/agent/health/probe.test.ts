import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { duplexPair, type Duplex } from 'node:stream';
import type { ProbeAnswer } from '../../../../agent/health/port.ts';
import { createProbe } from '../../../../agent/health/probe.ts';
import { readHealthCheck } from '../../../../shared/domain/read-health-checks.ts';
import { encodeFailure, encodeFrame, FRAME, FrameReader } from '../../../../shared/attach/frames.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';

/** The stream to the sandbox, as the driver would open it. */
let openStream: () => Promise<Duplex> = () => Promise.reject(new Error('no stream is expected'));
const probe = createProbe(systemClock, () => openStream());

async function ask(
  port: number,
  fields: Readonly<Record<string, unknown>>,
  timeoutMs = 120_000,
  signal = new AbortController().signal,
): Promise<ProbeAnswer> {
  const refuse = (what: string): Error => new Error(what);
  const check = readHealthCheck('web', { type: 'readiness', ...fields }, { path: 'check', refuse });
  return await probe({ ...check, timeoutMs }, { instanceId: 'instance0001', address: '127.0.0.1', port }, signal);
}

async function serve(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serveTcp(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('an HTTP check', () => {
  it('passes for 200 to 399, and sends the path and the headers', async (t) => {
    const asked: unknown[] = [];
    const port = await serve(t, (request, response) => {
      asked.push([request.url, request.headers.host, request.headers['x-check']]);
      response.writeHead(Number(request.url?.slice(1))).end();
    });
    const httpHeaders = [
      { name: 'Host', value: 'shop.example' },
      { name: 'X-Check', value: 'yes' },
    ];
    for (const [status, passed] of [
      [200, true],
      [302, true],
      [399, true],
      [404, false],
      [500, false],
    ] as const)
      assert.deepEqual(await ask(port, { path: `/${String(status)}`, httpHeaders }), {
        passed,
        answer: `it answered ${String(status)}`,
      });
    assert.deepEqual(asked[0], ['/200', 'shop.example', 'yes']);
  });

  it('follows no redirect, so a loop of redirects is one request', async (t) => {
    let requests = 0;
    const port = await serve(t, (_, response) => {
      requests += 1;
      response.writeHead(301, { location: '/up' }).end();
    });
    assert.equal((await ask(port, { path: '/up' })).passed, true);
    assert.equal(requests, 1);
  });

  it('finds the expected text, and fails without it', async (t) => {
    const port = await serve(t, (_, response) => void response.end('all is well'));
    assert.equal((await ask(port, { path: '/', content: 'is well' })).passed, true);
    assert.deepEqual(await ask(port, { path: '/', content: 'broken' }), {
      passed: false,
      answer: 'it answered 200, without the expected content',
    });
  });

  it('reads only the beginning of an answer without end', async (t) => {
    let sent = 0;
    const port = await serve(t, (_, response) => {
      const block = Buffer.alloc(256 * 1024, 'x');
      const more = (): void => {
        while (!response.destroyed && response.write(block)) sent += block.length;
      };
      response.on('drain', more);
      more();
    });
    assert.equal((await ask(port, { path: '/' })).passed, true);
    assert.match((await ask(port, { path: '/', content: 'y' })).answer, /without the expected content/);
    assert.ok(sent < 512 * 1024 * 1024, `${String(sent)} bytes`);
  });

  it('ends at its time limit when the app hangs, sends its headers slowly, or never ends a small answer', async (t) => {
    const late = { passed: false, answer: 'it did not answer within 0.2 s' };
    const silent = await serveTcp(t, () => undefined);
    assert.deepEqual(await ask(silent, { path: '/' }, 200), late);
    const drip = await serveTcp(t, (socket) => void socket.write('HTTP/1.1 200 OK\r\nX-Slow: '));
    assert.deepEqual(await ask(drip, { path: '/' }, 200), late);
    const open = await serve(t, (_, response) => void response.write('a bit'));
    assert.deepEqual(await ask(open, { path: '/' }, 200), late);
  });

  it('says in words what is wrong with the answer, without text of the app', async (t) => {
    const answerOf = async (bytes: string): Promise<string> => {
      const port = await serveTcp(t, (socket) => void socket.end(bytes));
      return (await ask(port, { path: '/' })).answer;
    };
    assert.equal(await answerOf('SSH-2.0-secret\r\n'), 'its answer is not HTTP');
    assert.equal(
      await answerOf(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(32_000)}\r\n\r\n`),
      'its answer has too large headers',
    );
    assert.match(
      await answerOf('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
      /^it answered 200, and closed the connection before the end$/,
    );
    assert.equal(await answerOf(''), 'it closed the connection');
  });

  it('fails when Node cannot send the request, and does not reject', async (t) => {
    const port = await serve(t, (_, response) => void response.end());
    const check = readHealthCheck('web', { type: 'liveness' }, { path: 'check', refuse: (what) => new Error(what) });
    assert.equal(check.probe, 'http');
    for (const headers of [{ 'X-Price': '5 €' }, { Trailer: 'X' }, { 'X Y': 'no name' }])
      assert.deepEqual(
        await probe(
          { ...check, headers },
          { instanceId: 'i', address: '127.0.0.1', port },
          new AbortController().signal,
        ),
        { passed: false, answer: 'its path or a header cannot be sent' },
      );
  });

  it('ends when the app sends interim answers without end', async (t) => {
    const port = await serveTcp(t, (socket) => {
      const flood = (): void => {
        while (!socket.destroyed && socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000)));
      };
      socket.on('drain', flood).once('data', flood);
    });
    const { passed, answer } = await ask(port, { path: '/' });
    assert.deepEqual([passed, answer], [false, 'it answered 103 again and again']);
  });

  it('does not pass for a switch of protocols', async (t) => {
    const port = await serveTcp(t, (socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    });
    assert.equal((await ask(port, { path: '/' })).passed, false);
  });

  it('ends at once when its process ends', async (t) => {
    const stop = new AbortController();
    const port = await serveTcp(t, () => {
      stop.abort();
    });
    assert.equal((await ask(port, { path: '/' }, 300_000, stop.signal)).passed, false);
  });
});

describe('a TCP check', () => {
  it('passes when the port accepts a connection', async (t) => {
    const port = await serveTcp(t, () => undefined);
    assert.deepEqual(await ask(port, { listening: true }), { passed: true, answer: 'it accepts connections' });
    assert.equal((await ask(1, { listening: true, port })).passed, true, 'its own port comes before PORT');
  });

  it('fails when nobody listens', async () => {
    // No program of a test machine listens there, and a port that was free a moment ago may be taken.
    assert.deepEqual(await ask(1, { listening: true }), { passed: false, answer: 'it refused the connection' });
  });
});

describe('a command check', () => {
  /** A sandbox that answers the start of a command with these frames. */
  const answering = (...frames: readonly Buffer[]): { readonly asked: string[] } => {
    const asked: string[] = [];
    openStream = () => {
      const [near, far] = duplexPair();
      const reader = new FrameReader();
      far.on('data', (chunk: Buffer) => {
        for (const { kind, content } of reader.push(chunk)) {
          if (kind !== FRAME.start) continue;
          asked.push(content.toString('utf8').split('\0').slice(4).join(' '));
          for (const frame of frames) far.write(frame);
        }
      });
      return Promise.resolve(near);
    };
    return { asked };
  };
  const exit = (status: number): Buffer => encodeFrame(FRAME.exit, Buffer.from([status]));
  const command = ['bin/check', '--quick'];

  it('passes with status 0, and takes no notice of the output', async () => {
    const { asked } = answering(encodeFrame(FRAME.output, Buffer.alloc(60_000)), exit(0));
    assert.deepEqual(await ask(1, { command }), { passed: true, answer: 'the command exited with status 0' });
    assert.deepEqual(asked, ['bin/check --quick']);
    answering(exit(7));
    assert.deepEqual(await ask(1, { command }), { passed: false, answer: 'the command exited with status 7' });
  });

  it('fails when it cannot start, and ends at its time limit', async () => {
    answering(encodeFailure({ code: 'SLIP_X', message: 'no such file' }));
    assert.deepEqual(await ask(1, { command }), { passed: false, answer: 'the command could not be started' });
    answering();
    assert.deepEqual(await ask(1, { command }, 100), { passed: false, answer: 'it did not answer within 0.1 s' });
  });

  it('does not fail an instance that an older agent started', async () => {
    openStream = () => Promise.reject(new SlipwayError({ code: 'SLIP_ATTACH_OLD_INSTANCE', message: 'It is old.' }));
    assert.equal((await ask(1, { command })).passed, true);
  });
});
