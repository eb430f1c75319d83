import { setTimeout as delay } from 'node:timers/promises';
import type { ServerFleet } from './server-fleet.ts';
import type { Server } from './servers/server.ts';

export interface Hit {
  readonly fleet: ServerFleet;
  readonly server: Server;
  /** How long it is off, frozen or cut off. */
  readonly forMs: number;
}

/** Something that happens to a server or to the controller. When it resolves it is over; what it did need not be mended yet. */
export interface Fault {
  readonly name: string;
  /** Where a request that comes in meanwhile must not be lost: at every server, at those that it does not happen to, or nowhere. */
  readonly spares: 'all' | 'others' | 'none';
  readonly happen: (hit: Hit) => Promise<unknown>;
}

async function afterwards(ms: number, undo: () => unknown): Promise<void> {
  await delay(ms);
  await undo();
}

const AGENT = 'slipway-agent.service';

function signalled(server: Server, unit: string, signal: string): Promise<string> {
  return server.sh(`systemctl kill --signal=${signal} '${unit}'`);
}

async function freezeAgent({ server, forMs }: Hit): Promise<void> {
  await signalled(server, AGENT, 'STOP');
  await afterwards(forMs, () => signalled(server, AGENT, 'CONT'));
}

async function stopAgent({ server, forMs }: Hit): Promise<void> {
  await server.sh(`systemctl stop ${AGENT}`);
  await afterwards(forMs, () => server.sh(`systemctl start ${AGENT}`));
}

async function cutOff({ server, forMs }: Hit): Promise<void> {
  await server.partition();
  await afterwards(forMs, () => server.heal());
}

async function cutPower({ server, forMs }: Hit): Promise<void> {
  await server.kill();
  await afterwards(forMs, () => server.boot());
}

async function killController({ fleet: { fleet }, forMs }: Hit): Promise<void> {
  await fleet.endController('SIGKILL');
  await afterwards(forMs, () => fleet.startController());
}

async function restartController({ fleet: { fleet } }: Hit): Promise<void> {
  await fleet.endController('SIGTERM');
  await fleet.startController();
}

async function freezeController({ fleet: { fleet }, forMs }: Hit): Promise<void> {
  process.kill(fleet.controllerPid, 'SIGSTOP');
  await afterwards(forMs, () => process.kill(fleet.controllerPid, 'SIGCONT'));
}

export const SERVER_FAULTS: readonly Fault[] = [
  { name: 'agent killed', spares: 'all', happen: ({ server }) => signalled(server, AGENT, 'KILL') },
  { name: 'agent frozen', spares: 'all', happen: freezeAgent },
  { name: 'agent stopped', spares: 'all', happen: stopAgent },
  { name: 'reboot', spares: 'others', happen: ({ server }) => server.reboot() },
  { name: 'proxy killed', spares: 'none', happen: ({ server }) => signalled(server, 'slipway-proxy-*', 'KILL') },
  { name: 'cut off', spares: 'none', happen: cutOff },
  { name: 'power cut', spares: 'none', happen: cutPower },
  { name: 'apps killed', spares: 'none', happen: ({ server }) => server.sh("pkill -KILL -f '^node server.js' || true") },
  { name: 'bridge deleted', spares: 'none', happen: ({ server }) => server.sh('nft delete table inet slipway; ip link del slip0') },
];

export const CONTROLLER_FAULTS: readonly Fault[] = [
  { name: 'controller killed', spares: 'all', happen: killController },
  { name: 'controller restarted', spares: 'all', happen: restartController },
  { name: 'controller frozen', spares: 'all', happen: freezeController },
];
