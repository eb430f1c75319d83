import { writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { DEFAULT_ENV, run, runOk } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { PRODUCT_DIR, type TestFleet } from '../support/fleet.ts';
import { GUEST_ADDRESS } from './guest-image.ts';
import type { Machine } from './machine.ts';

/** Only what does not happen at all is to fail. */
export const SLOW_MS = 300_000;
const STATE_DIR = '/var/lib/slipway';

/** Settings that are there before the installer leave it nothing to write: those of a server, but for the patience with apps. */
const AGENT_CONFIG = {
  stateDir: STATE_DIR,
  sandbox: 'lxc',
  proxy: { port: 80, user: { name: 'haproxy', group: 'haproxy' } },
  toolchainDir: '/opt/slipway/current/node',
  gateTimeoutMs: SLOW_MS,
};

/** What a person does: paste the line. It comes on standard input, so that it is nobody's argument. */
const INSTALL = `umask 077
mkdir -p /etc/slipway
printf '%s' "$1" >/etc/slipway/agent.json
umask 022
exec sh
`;

/** Makes the machine a node of the fleet with the line that `slipway nodes:token` prints. */
export async function installAgent(fleet: TestFleet, machine: Machine): Promise<void> {
  const { install } = (await fleet.api('POST', '/nodes/tokens', {})) as { install: string };
  await machine.sh(INSTALL, [JSON.stringify(AGENT_CONFIG)], {
    stdin: install.replace(/\| sudo sh$/, '| sh'),
    limitMs: SLOW_MS,
  });
}

/** The guest's port 80 at a port of this side's loopback, where the people of a test ask. */
export function forwardWeb(port: number): Server {
  return createServer((near) => void pipeline(near, connect(80, GUEST_ADDRESS), near, () => undefined)).listen(
    port,
    '127.0.0.1',
  );
}

/** Resolves when the controller has a session with the guest's agent. */
export async function untilConnected(fleet: TestFleet): Promise<void> {
  const connected = async (): Promise<boolean> =>
    ((await fleet.api('GET', '/nodes')) as { connected: boolean }[]).some((node) => node.connected);
  await eventually('the guest is connected', connected, SLOW_MS);
}

/** Resolves when an agent started after `mark` (of {@link agentMark}) has its session. */
export async function untilAgentIsBack(machine: Machine, mark: string): Promise<void> {
  const log = 'journalctl --quiet --unit slipway-agent --output cat --after-cursor "$1" | grep -c session.opened || :';
  await eventually('the agent is back', async () => Number(await machine.sh(log, [mark])) > 0, SLOW_MS);
}

/** A place in the agent's journal. */
export async function agentMark(machine: Machine): Promise<string> {
  const line = await machine.sh(
    'journalctl --quiet --unit slipway-agent --lines 1 --output cat --show-cursor | tail -n 1',
  );
  return line.replace('-- cursor: ', '');
}

/** The id of the one running app: its unit and its group are named by it. */
export async function runningSandbox(machine: Machine): Promise<string> {
  const units = await machine.sh(
    "systemctl list-units --plain --no-legend --state=active 'slipway-sandbox-*' | cut -d' ' -f1",
  );
  return units.replace(/^slipway-sandbox-|\.service$/g, '');
}

/** One file of an app's group. */
export function groupFile(machine: Machine, id: string, name: string): Promise<string> {
  return machine.sh('cat "/sys/fs/cgroup/slipway/$1/$2"', [id, name]);
}

/** Linux before 6.12 counts a refusal at the group of the process that asked, not at the one that has the limit. */
export async function refusedForks(machine: Machine, id: string): Promise<number> {
  const counts = await machine.sh('find "/sys/fs/cgroup/slipway/$1" -name pids.events -exec cat {} +', [id]);
  return counts.split('\n').reduce((sum, line) => sum + Number(/^max (\d+)$/.exec(line)?.[1] ?? 0), 0);
}

/** The file on the guest's disk that holds what an app printed last. */
export function outputFile(id: string): string {
  return join(STATE_DIR, 'sandbox', 'logs', id, 'current');
}

/** What the person sees. */
export async function slipway(fleet: TestFleet, ...args: string[]): Promise<string> {
  const config = join(fleet.dir, 'person.json');
  await writeFile(config, JSON.stringify(fleet.settings), { mode: 0o600 });
  const path = `${dirname(process.execPath)}:${DEFAULT_ENV['PATH'] ?? ''}`;
  const env = { ...DEFAULT_ENV, PATH: path, HOME: fleet.dir, SLIPWAY_CONFIG: config };
  return (await runOk(run, { file: join(PRODUCT_DIR, 'bin', 'slipway'), args, env, timeoutMs: 240_000 })).stdout;
}

/** Answers with its version and a number that is new in each process. On request it shows its environment or overuses resources. */
export function guestApp(version: string): Record<string, string> {
  const server = `const { createServer } = require('node:http');
const { execFile, execFileSync } = require('node:child_process');
const nonce = Math.random().toString(36).slice(2);
const routes = {
  '/': () => 'version=${version} nonce=' + nonce,
  '/id': () => execFileSync('id').toString(),
  '/ps': () => execFileSync('ps', ['-eo', 'user=,args=']).toString(),
  '/look': (path) => { try { return require('node:fs').readdirSync(path).join(' '); } catch (error) { return error.code; } },
  '/fork-bomb': () => { execFile('perl', ['-e', 'fork for 1 .. 10; sleep 5'], () => {}); return 'lit'; },
  '/burn': () => { const end = Date.now() + 4000; while (Date.now() < end); return 'burnt'; },
  '/eat': () => { const held = []; for (;;) held.push(Buffer.alloc(8 * 1024 * 1024, 1)); },
};
createServer((request, response) => {
  const url = new URL(request.url, 'http://app');
  response.end(String(routes[url.pathname](url.searchParams.get('path'))));
}).listen(process.env.PORT);
process.on('SIGTERM', () => { console.log('told to stop'); process.exit(0); });
`;
  return {
    'server.js': server,
    'package.json': '{ "name": "guest-app", "version": "1.0.0" }',
    Procfile: 'web: node server.js\n',
  };
}
