import type { ServerFleet } from './server-fleet.ts';
import type { Server } from './servers/server.ts';

export interface Hit {
  readonly fleet: ServerFleet;
  readonly server: Server;
  /** Resolves when the server has been off, frozen or disconnected for long enough. */
  readonly over: () => Promise<void>;
}

/** A fault of a server or of the controller. When it resolves, the fault is over, but its effects may remain. */
export interface Fault {
  readonly name: string;
  /** The servers that must lose no request during the fault: all, all others, or none. */
  readonly spares: 'all' | 'others' | 'none';
  readonly happen: (hit: Hit) => Promise<unknown>;
}

const AGENT = 'slipway-agent.service';

function signalled(server: Server, unit: string, signal: string): Promise<string> {
  return server.sh(`systemctl kill --signal=${signal} '${unit}'`);
}

async function freezeAgent({ server, over }: Hit): Promise<void> {
  await signalled(server, AGENT, 'STOP');
  await over();
  await signalled(server, AGENT, 'CONT');
}

async function stopAgent({ server, over }: Hit): Promise<void> {
  await server.sh(`systemctl stop ${AGENT}`);
  await over();
  await server.sh(`systemctl start ${AGENT}`);
}

async function cutOff({ server, over }: Hit): Promise<void> {
  await server.partition();
  await over();
  await server.heal();
}

async function cutPower({ server, over }: Hit): Promise<void> {
  await server.kill();
  await over();
  await server.boot();
}

async function killController({ fleet: { fleet }, over }: Hit): Promise<void> {
  await fleet.endController('SIGKILL');
  await over();
  await fleet.startController();
}

async function restartController({ fleet: { fleet } }: Hit): Promise<void> {
  await fleet.endController('SIGTERM');
  await fleet.startController();
}

async function freezeController({ fleet: { fleet }, over }: Hit): Promise<void> {
  process.kill(fleet.controllerPid, 'SIGSTOP');
  await over();
  process.kill(fleet.controllerPid, 'SIGCONT');
}

export const SERVER_FAULTS: readonly Fault[] = [
  { name: 'agent killed', spares: 'all', happen: ({ server }) => signalled(server, AGENT, 'KILL') },
  { name: 'agent frozen', spares: 'all', happen: freezeAgent },
  { name: 'agent stopped', spares: 'all', happen: stopAgent },
  { name: 'reboot', spares: 'others', happen: ({ server }) => server.reboot() },
  { name: 'proxy killed', spares: 'none', happen: ({ server }) => signalled(server, 'slipway-proxy-*', 'KILL') },
  { name: 'cut off', spares: 'none', happen: cutOff },
  { name: 'power cut', spares: 'none', happen: cutPower },
  {
    name: 'apps killed',
    spares: 'none',
    happen: ({ server }) => server.sh("pkill -KILL -f '^node server.js' || true"),
  },
  {
    name: 'bridge deleted',
    spares: 'none',
    happen: ({ server }) => server.sh('nft delete table inet slipway; ip link del slip0'),
  },
];

export const CONTROLLER_FAULTS: readonly Fault[] = [
  { name: 'controller killed', spares: 'all', happen: killController },
  { name: 'controller restarted', spares: 'all', happen: restartController },
  { name: 'controller frozen', spares: 'all', happen: freezeController },
];
