import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import type { MeshNode } from '../support/mesh-lab.ts';
import { openPair, openTriple } from '../support/mesh-pair.ts';
import { ask, openBackend, routesOf } from '../support/proxy-lab.ts';

describe('a node whose proxy is busy for some seconds', () => {
  test('costs no request, though its checks fail and no other node has the app', async (t) => {
    const { front, home } = await openPair(t);
    const answers = await frozen(home, async () => {
      await eventually('its checks fail', () => misses(front, home));
      await front.proxy.ensureRunning(); // an agent's look, which ends the requests to a node that cannot be reached
      return Array.from({ length: 20 }, () => ask(front.port, 'alpha.test'));
    });
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  });

  test('keeps the requests that it has', async (t) => {
    const { front, home } = await openPair(t);
    let answer: (() => void) | undefined;
    const backend = await openBackend('late000001', (_, response) => (answer = () => response.end('late')));
    t.after(() => backend[Symbol.asyncDispose]());
    await home.apply([routesOf('alpha', [backend])]);
    const waiting = ask(front.port, 'alpha.test');
    const finish = await eventually('the app has it', () => answer);
    await frozen(home, async () => {
      await eventually('its checks fail', () => misses(front, home, 5_000));
      await front.proxy.ensureRunning();
    });
    finish();
    const { status, body } = await waiting;
    assert.deepEqual([status, body], [200, 'late']);
  });

  test('gets no request while another node serves', async (t) => {
    const { front, home } = await openTriple(t);
    await frozen(home, async () => {
      await eventually('its checks fail', () => misses(front, home));
      for (let turn = 0; turn < 10; turn += 1) assert.equal((await ask(front.port, 'alpha.test')).status, 200);
    });
  });
});

async function misses(front: MeshNode, home: MeshNode, forMs = 0): Promise<boolean> {
  return (await front.proxy.unreachablePeers(forMs)).includes(home.peer.nodeId);
}

/** Its proxy does nothing meanwhile; its machine still takes connections. */
async function frozen<T>({ stateDir }: MeshNode, work: () => Promise<T>): Promise<T> {
  const [master = ''] = (await readFile(join(stateDir, 'haproxy.pid'), 'utf8')).split(' ');
  const workers = (await readFile(`/proc/${master}/task/${master}/children`, 'utf8')).trim().split(' ').map(Number);
  for (const pid of workers) process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    for (const pid of workers) process.kill(pid, 'SIGCONT');
  }
}
