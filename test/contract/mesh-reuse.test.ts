import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { eventually } from '../support/eventually.ts';
import type { MeshNode } from '../support/mesh-lab.ts';
import { openPair, openTriple, reachable, serialIn } from '../support/mesh-pair.ts';
import { KeptClient, killWorkers, linksOf, reload } from '../support/mesh-requests.ts';
import { ask, openBackend, routesOf, type TestBackend } from '../support/proxy-lab.ts';

const TURNS = 20;
const RELOADS = 5;
const CLIENTS = 8;
/** For the key of `upgraded`: the example of RFC 6455. */
const SOCKET_ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

describe('connections between nodes that stay open', () => {
  test('serve all later requests of a client, also after a reload with the peer in the file', async (t) => {
    const { front } = await openPair(t);
    for (const how of ['added at run time', 'in the file']) {
      const client = new KeptClient(t, front);
      const before = await linksOf(front);
      for (let turn = 0; turn < TURNS; turn += 1) assert.match(await client.send('GET', '/'), /^200 /);
      const after = await linksOf(front);
      assert.equal(after.opened - before.opened, 1, how);
      assert.equal(after.reused - before.reused, TURNS - 1, how);
      await reload(front);
    }
  });

  test('do not serve the first request of a client, because it may not fail with an old connection', async (t) => {
    const { front } = await openPair(t);
    const client = new KeptClient(t, front);
    for (let turn = 0; turn < TURNS; turn += 1) await client.send('GET', '/');
    const before = await linksOf(front);
    assert.equal((await ask(front.port, 'alpha.test')).status, 200);
    const after = await linksOf(front);
    assert.deepEqual([after.opened - before.opened, after.reused - before.reused], [1, 0]);
  });

  test('do not keep connections to the app, which may close them at any time', async (t) => {
    const { front, home } = await openPair(t);
    const app = await countingApp(t, [home]);
    let connections = 0;
    app.backend.server.on('connection', () => (connections += 1));
    const client = new KeptClient(t, front);
    for (let turn = 0; turn < TURNS; turn += 1) assert.match(await client.send('POST', `/${String(turn)}`), /^200 /);
    assert.equal(connections, TURNS);
  });

  test('do not stop for a client that does not read its answer', async (t) => {
    const { front, home } = await openPair(t);
    const endless = await openBackend('big0000001', (asked, response) => {
      if (asked.url !== '/endless') response.end('small');
      else {
        const fill = (): void => {
          while (response.write(Buffer.alloc(65_536)));
        };
        response.on('drain', fill);
        fill();
      }
    });
    t.after(() => endless[Symbol.asyncDispose]());
    await home.apply([routesOf('alpha', [endless])]);
    const client = new KeptClient(t, front);
    assert.equal(await client.send('GET', '/'), '200 small');
    const readers: IncomingMessage[] = [];
    for (let reader = 0; reader < CLIENTS; reader += 1) {
      const asked = request({ host: '127.0.0.1', port: front.port, path: '/endless', headers: { host: 'alpha.test' } });
      const [response] = (await once(asked.end(), 'response')) as [IncomingMessage];
      readers.push(response.pause());
    }
    for (let turn = 0; turn < TURNS; turn += 1) assert.equal(await client.send('GET', '/'), '200 small');
    for (const response of readers) response.destroy();
  });

  test('carry a websocket, and other requests while it is open', async (t) => {
    const { front, home } = await openPair(t);
    const backend = await openBackend('sock000001');
    backend.server.on('upgrade', (_, socket: Socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
      socket.write(`Sec-WebSocket-Accept: ${SOCKET_ACCEPT}\r\n\r\n`);
      socket.pipe(socket);
    });
    t.after(() => backend[Symbol.asyncDispose]());
    await home.apply([routesOf('alpha', [backend])]);
    const client = new KeptClient(t, front);
    await client.send('GET', '/');
    const socket = await upgraded(t, front);
    for (let turn = 0; turn < TURNS; turn += 1) {
      socket.write(`message ${String(turn)}`);
      const [echoed] = (await once(socket, 'data')) as [Buffer];
      assert.equal(echoed.toString(), `message ${String(turn)}`);
      assert.match(await client.send('GET', '/'), /^200 /);
    }
  });

  test('end with a revocation: the node gets no answer, and the app no request', async (t) => {
    const { front, home } = await openPair(t);
    const app = await countingApp(t, [home]);
    const client = new KeptClient(t, front);
    assert.match(await client.send('POST', '/before'), /^200 /);
    await home.apply([routesOf('alpha', [app.backend])], [serialIn(front.tls.certificate)]);
    assert.match(await client.send('POST', '/after'), /^503 /);
    assert.deepEqual([...app.seen.keys()], ['/before']);
  });
});

describe('requests that change something, on connections between nodes', () => {
  test('are neither lost nor sent twice while the workers of both nodes are replaced', async (t) => {
    const { front, home } = await openPair(t);
    const app = await countingApp(t, [home]);
    const answers = await underLoad(t, front, async () => {
      for (let turn = 0; turn < RELOADS; turn += 1) {
        await reload(home);
        await reload(front);
      }
    });
    assert.deepEqual(
      answers.filter(({ answer }) => answer !== '200 done'),
      [],
    );
    for (const { path } of answers) assert.equal(app.seen.get(path), 1, path);
  });

  test('are never sent twice when the proxy of a node is killed, and other nodes take over at once', async (t) => {
    const { lab, front, home } = await openTriple(t);
    const [, , other] = lab.nodes as [MeshNode, MeshNode, MeshNode];
    const app = await countingApp(t, [home, other]);
    const answers = await underLoad(t, front, async () => {
      for (let turn = 0; turn < RELOADS; turn += 1) {
        await killWorkers(home);
        await home.proxy.ensureRunning();
        await reachable(front);
      }
    });
    for (const { path, answer } of answers) {
      const times = app.seen.get(path) ?? 0;
      assert.ok(answer === '200 done' ? times === 1 : times <= 1, `${path}: ${answer}, ${String(times)} times`);
    }
    // Each client can lose the request that it has at the moment of a kill, and no other one.
    const lost = answers.filter(({ answer }) => answer !== '200 done');
    assert.ok(lost.length <= CLIENTS * RELOADS, JSON.stringify(lost));
  });
});

interface CountingApp {
  readonly backend: TestBackend;
  /** How often each path was requested. */
  readonly seen: ReadonlyMap<string, number>;
}

async function countingApp(t: TestContext, nodes: readonly MeshNode[]): Promise<CountingApp> {
  const seen = new Map<string, number>();
  const backend = await openBackend('count00001', (asked, response) => {
    const path = asked.url ?? '';
    seen.set(path, (seen.get(path) ?? 0) + 1);
    asked.resume().on('end', () => response.end('done'));
  });
  t.after(() => backend[Symbol.asyncDispose]());
  for (const node of nodes) await node.apply([routesOf('alpha', [backend])]);
  return { backend, seen };
}

/** POST requests of many clients, one after the other for each client, until the work is done. Each request has its own path. */
async function underLoad(
  t: TestContext,
  front: MeshNode,
  work: () => Promise<void>,
): Promise<readonly { readonly path: string; readonly answer: string }[]> {
  const answers: { path: string; answer: string }[] = [];
  const over = new AbortController();
  const run = async (number: number): Promise<void> => {
    const client = new KeptClient(t, front);
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      const path = `/${String(number)}-${String(turn)}`;
      answers.push({ path, answer: await client.send('POST', path) });
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, number) => run(number));
  await eventually('all clients have answers', () => answers.length > CLIENTS * 2);
  try {
    await work();
  } finally {
    over.abort();
    await Promise.all(clients);
  }
  return answers;
}

async function upgraded(t: TestContext, { port }: MeshNode): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('GET /echo HTTP/1.1\r\nHost: alpha.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
  socket.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [Buffer];
  assert.match(head.toString(), /^HTTP\/1.1 101 /);
  return socket;
}
