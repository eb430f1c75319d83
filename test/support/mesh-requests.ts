import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { CliSocket } from '../../agent/proxy/haproxy/cli-socket.ts';
import { eventually } from './eventually.ts';
import type { MeshNode } from './mesh-lab.ts';

export interface Links {
  /** Connections that the node opened to others for requests. */
  readonly opened: number;
  /** Requests that used an open connection. */
  readonly reused: number;
}

/** A client that keeps one connection open. */
export class KeptClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;

  constructor(t: TestContext, { port }: Pick<MeshNode, 'port'>) {
    this.#port = port;
    t.after(() => this.#agent.destroy());
  }

  /** The status and the body, or the code of the error. The client sends nothing twice. */
  send(method: string, path: string): Promise<string> {
    const options = { host: '127.0.0.1', port: this.#port, path, method, agent: this.#agent };
    return new Promise((resolve) => {
      const outgoing = request({ ...options, headers: { host: 'alpha.test' } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => resolve(error.message));
        response.on('end', () => resolve(`${String(response.statusCode)} ${Buffer.concat(chunks).toString()}`));
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      outgoing.end(method === 'GET' ? undefined : 'body');
    });
  }
}

/** How the current worker of a node has forwarded requests so far. */
export async function linksOf({ stateDir }: MeshNode): Promise<Links> {
  const reply = await new CliSocket(join(stateDir, 'admin.sock')).talk((say) => say('show stat'));
  const [head = '', ...rows] = reply.replace(/^# /, '').split('\n');
  const columns = head.split(',');
  const far = rows.map((row) => row.split(',')).filter((row) => row[0]?.startsWith('far_') && row[1] !== 'BACKEND');
  const sum = (column: string): number =>
    far.reduce((total, row) => total + Number(row[columns.indexOf(column)] ?? 0), 0);
  return { opened: sum('connect'), reused: sum('reuse') };
}

/** Replaces the worker of a node, as a change of the layout does. */
export async function reload(node: MeshNode): Promise<void> {
  const master = new CliSocket(join(node.stateDir, 'master.sock'));
  const current = async (): Promise<string | undefined> => {
    // The master does not answer while it loads the configuration.
    const reply = await master.talk((say) => say('show proc')).catch(() => '');
    return /^(\d+)\s+worker/m.exec(reply)?.[1];
  };
  const before = await eventually('the master answers', current);
  process.kill(await masterPid(node), 'SIGUSR2');
  const isReplaced = async (): Promise<boolean> => {
    const now = await current();
    return now !== undefined && now !== before;
  };
  await eventually('a new worker', isReplaced);
}

export async function killWorkers(node: MeshNode): Promise<void> {
  const master = String(await masterPid(node));
  const children = await readFile(`/proc/${master}/task/${master}/children`, 'utf8');
  for (const pid of children.trim().split(' ').map(Number)) process.kill(pid, 'SIGKILL');
}

async function masterPid({ stateDir }: MeshNode): Promise<number> {
  const [pid = ''] = (await readFile(join(stateDir, 'haproxy.pid'), 'utf8')).split(/\s/);
  assert.match(pid, /^\d+$/);
  return Number(pid);
}
