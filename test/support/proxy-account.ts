import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliSocket } from '../../agent/proxy/haproxy/cli-socket.ts';
import { parseAccessLine, renderRouterLine } from '../../agent/proxy/router-line.ts';
import type { Server } from './servers/server.ts';

const PROXY_DIR = 'var/lib/slipway/proxy';
const NOTICES_MAX = 60;

/** The state of the proxy of a server, for a failing test: failed requests with times, results of checks, its servers. */
export async function proxyAccount(server: Server): Promise<string> {
  const dir = join(server.root, PROXY_DIR);
  const log = (await readFile(join(dir, 'log', 'current'), 'utf8').catch(String)).split('\n');
  const socket = new CliSocket(join(dir, 'admin.sock'));
  const servers = await socket.talk((say) => say('show servers state')).catch(String);
  const used = servers.split('\n').filter((line) => /mesh_|far_/.test(line));
  const maps = await readFile(join(dir, 'hosts.map'), 'utf8').catch(String);
  return [`--- proxy of ${server.name}`, ...failures(log), ...notices(log), ...used, maps].join('\n');
}

/** Failed requests for each second, with their H codes. */
function failures(log: readonly string[]): readonly string[] {
  const found = log.flatMap((line) => {
    const record = parseAccessLine(line.slice(line.indexOf('slip1')));
    const code = record === undefined ? undefined : /code=H\d+ desc="[^"]*"/.exec(renderRouterLine(record))?.[0];
    return record === undefined || code === undefined ? [] : [`${secondOf(line)} ${code} ${record.termination}`];
  });
  return [...Map.groupBy(found, (each) => each)].map(([what, all]) => `${what} ${String(all.length)} times`);
}

/** Messages of HAProxy, mostly about checks. */
function notices(log: readonly string[]): readonly string[] {
  return log.filter((line) => line !== '' && !line.includes('slip1')).slice(-NOTICES_MAX);
}

/** The logger writes the time first. */
function secondOf(line: string): string {
  const [, hex] = /^@4[0]*([0-9a-f]{8})/.exec(line) ?? [];
  return hex === undefined ? '' : new Date(Number.parseInt(hex, 16) * 1000).toISOString().slice(11, 19);
}
