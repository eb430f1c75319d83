import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { describe, test, type TestContext } from 'node:test';
import { LINK_CUT_ANSWER_MS, peerDownAfterMs } from '../../agent/proxy/haproxy/render-mesh.ts';
import { SETTLED_MS } from '../../agent/proxy/haproxy/abort-stalled-requests.ts';
import { cutPort } from '../support/cut-port.ts';
import { eventually } from '../support/eventually.ts';
import type { MeshNode } from '../support/mesh-lab.ts';
import { openPair, openTriple, routerLines } from '../support/mesh-pair.ts';
import { ask, openBackend, routesOf } from '../support/proxy-lab.ts';

const PEERS_OF_A_LARGE_FLEET = 64;
/** How often an agent looks at its proxy. */
const HOST_CHECK_MS = 5_000;
const isRoot = process.getuid?.() === 0;

describe('a cut link between two nodes', { skip: !isRoot && 'needs root: it drops packets' }, () => {
  test('is known soon enough for the bound that the design promises', () => {
    assert.ok(peerDownAfterMs(PEERS_OF_A_LARGE_FLEET) + SETTLED_MS + HOST_CHECK_MS < LINK_CUT_ANSWER_MS);
  });

  test('ends the requests that wait for the node behind it, long before the time limit of an answer', async (t) => {
    const { front, home } = await openPair(t);
    const hanging = await applyHangingApp(t, home);
    const client = (): Agent => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      t.after(() => agent.destroy());
      return agent;
    };
    const [fresh, used, idle] = [client(), client(), client()];
    for (const agent of [used, idle]) assert.equal(await endOf(agent, front.port, '/'), '200');
    const waiting = [endOf(fresh, front.port, '/hang'), endOf(used, front.port, '/hang')] as const;
    await eventually('the app has both', () => hanging() === waiting.length);
    await cutPort(t, home.peer.port);
    const all = Promise.all([...waiting, endOf(idle, front.port, '/')]);
    let ends: readonly string[] | undefined;
    void all.then((found) => (ends = found));
    const haveEnded = async (): Promise<boolean> => {
      await front.proxy.ensureRunning();
      return ends !== undefined;
    };
    await eventually('all have ended', haveEnded);
    const [first, ...later] = await all;
    assert.equal(first, '503');
    // HAProxy answers a later request of a connection by its end, which tells the client to ask again.
    for (const end of later) assert.match(end, /^(503|ECONNRESET)$/);
    assert.equal((await ask(front.port, 'alpha.test')).status, 503);
    const lines = await eventually('the lines', async () => {
      const written = await routerLines(front);
      return written.length >= 2 ? written : undefined;
    });
    for (const line of lines)
      assert.doesNotMatch(line, /code=H12/, 'no request waited for the time limit of an answer');
  });

  test('costs no new request while another node serves', async (t) => {
    const { front, home } = await openTriple(t);
    await cutPort(t, home.peer.port);
    const isMissed = async (): Promise<boolean> => {
      assert.equal((await ask(front.port, 'alpha.test')).status, 200);
      return (await front.proxy.unreachablePeers(0)).join() === home.peer.nodeId;
    };
    await eventually('the node is missed', isMissed);
    for (let turn = 0; turn < 10; turn += 1) assert.equal((await ask(front.port, 'alpha.test')).status, 200);
  });
});

/** An app that never answers `/hang`; returns how many such requests it has. */
async function applyHangingApp(t: TestContext, home: MeshNode): Promise<() => number> {
  let hanging = 0;
  const backend = await openBackend('hang000001', (asked, response) => {
    if (asked.url === '/hang') hanging += 1;
    else response.end('here');
  });
  t.after(() => backend[Symbol.asyncDispose]());
  await home.apply([routesOf('alpha', [backend])]);
  return () => hanging;
}

/** How a request ends: its status, or the code of the error. */
function endOf(agent: Agent, port: number, path: string): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', port, path, agent, headers: { host: 'alpha.test' } }, (response) => {
      response.resume().on('end', () => resolve(String(response.statusCode)));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
  });
}
