import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import { parseRouterLine } from '../../agent/proxy/router-line.ts';
import { makeCa } from './certificates.ts';
import { eventually } from './eventually.ts';
import { MeshLab, type MeshNode } from './mesh-lab.ts';
import { ask, openBackend, routesOf, type TestBackend } from './proxy-lab.ts';

export interface Pair {
  readonly lab: MeshLab;
  /** Has no instance of alpha. */
  readonly front: MeshNode;
  readonly home: MeshNode;
  readonly backend: TestBackend;
}

export const echo = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.url === '/vanish') request.socket.destroy();
  else request.resume().on('end', () => response.end(JSON.stringify(request.headers)));
};

/** alpha runs on `home` alone. */
export async function openPair(t: TestContext): Promise<Pair> {
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

/** alpha runs on another node too. */
export async function openTriple(t: TestContext): Promise<Pair> {
  const pair = await openPair(t);
  const { lab, front, home, backend } = pair;
  const other = await lab.node('ot');
  await start(other);
  for (const node of [home, other]) await node.apply([routesOf('alpha', [backend])]);
  await front.apply([{ ...routesOf('alpha', []), peers: [home.peer, other.peer] }]);
  await reachable(front);
  return pair;
}

export async function start(...nodes: readonly MeshNode[]): Promise<void> {
  for (const node of nodes) await node.proxy.ensureRunning();
}

export async function reachable(node: MeshNode): Promise<void> {
  await eventually('its peers are up', async () => (await node.proxy.unreachablePeers(0)).length === 0);
}

export async function headersAt(node: MeshNode, headers: Record<string, string> = {}): Promise<Record<string, string>> {
  const { status, body } = await ask(node.port, 'alpha.test', { headers });
  assert.equal(status, 200, body);
  return JSON.parse(body) as Record<string, string>;
}

/** Router lines of an app on a node, oldest first. */
export async function routerLines(node: MeshNode): Promise<string[]> {
  const text = await readFile(join(node.stateDir, 'log', 'current'), 'utf8');
  return text.split('\n').flatMap((line) => parseRouterLine(line.slice(line.indexOf('slip1')))?.message ?? []);
}

/** The answer of a mesh port to a client with this certificate: a status line, or the error. */
export async function knock(port: number, tls: { key?: string; cert?: string } = {}): Promise<string> {
  const socket = tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...tls });
  const chunks: Buffer[] = [];
  const failures: string[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', (error: Error) => failures.push(error.message));
  socket.write('GET / HTTP/1.1\r\nHost: alpha.test\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => socket.on('close', resolve));
  return chunks.length > 0 ? (Buffer.concat(chunks).toString().split('\r\n')[0] ?? '') : `refused ${failures.join()}`;
}

export function serialIn(certificate: string): string {
  return new X509Certificate(certificate).serialNumber.toLowerCase();
}

/** The head of the answer to one more request on an open connection. Empty when the connection was closed. */
export async function requestOn(socket: TLSSocket): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    socket.once('close', () => resolve(''));
  });
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: alpha.test\r\n\r\n');
  return answer;
}
