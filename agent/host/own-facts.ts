import { HOSTNAMES_MAX } from '../../shared/domain/fleet-routes.ts';
import { run } from '../../shared/kit/exec.ts';
import type { Heartbeat } from '../../shared/rpc/messages.ts';
import type { AgentConfig } from '../config.ts';
import type { UnreadableCount } from '../logs/unreadable-count.ts';
import type { Proxy } from '../proxy/port.ts';
import type { ReconcileLoop } from '../reconcile/loop.ts';
import { probeSandbox } from '../sandbox/probe.ts';
import { collectHeartbeat, findMissing, type OwnFacts } from './facts.ts';
import { localAddressTowards } from '../session/local-address.ts';
import type { NodeIdentity } from '../session/node-files.ts';

/** Two nodes that have just joined learn of each other in less time. That is no trouble to report. */
const PEER_UNREACHABLE_MS = 5_000;

const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const WISHES = [
  { program: 'haproxy', words: 'haproxy is missing: apps get no traffic; install it with: apt-get install haproxy' },
  {
    program: 'mksquashfs',
    words: 'mksquashfs is missing: nothing can be built here; install it with: apt-get install squashfs-tools',
  },
];

/** What this machine lacks now, in words: packages come and go while the agent runs. */
export async function missingHere({ sandbox }: Pick<AgentConfig, 'sandbox'>): Promise<readonly string[]> {
  return [...(await findMissing(WISHES, PROGRAM_FOLDERS)), ...(await probeSandbox(sandbox))];
}

/** The parts that a heartbeat tells of. */
export interface HeartbeatParts {
  readonly proxy: Pick<Proxy, 'unreachablePeers'>;
  readonly unreadable: Pick<UnreadableCount, 'look' | 'current'>;
  readonly loop: Pick<ReconcileLoop, 'hostTrouble'>;
}

export async function ownHeartbeat(
  config: Pick<AgentConfig, 'stateDir' | 'sandbox'>,
  { proxy, unreadable, loop }: HeartbeatParts,
): Promise<Omit<Heartbeat, 'kind'>> {
  void unreadable.look(); // for the next heartbeat: a slow disk must not delay this one
  return {
    ...(await collectHeartbeat(config.stateDir)),
    unreachablePeerIds: await proxy.unreachablePeers(PEER_UNREACHABLE_MS),
    host: { missing: await missingHere(config), trouble: loop.hostTrouble() },
    unreadableRequests: unreadable.current(),
  };
}

/** What this agent tells of its own parts. */
export async function ownFacts(
  config: AgentConfig,
  own: { readonly version: string; readonly sandboxDriver: string; readonly identity: NodeIdentity },
): Promise<OwnFacts> {
  return {
    agentVersion: own.version,
    sandboxDriver: own.sandboxDriver,
    stacks: ['host'],
    proxyVersion: await haproxyVersion(),
    missing: await missingHere(config),
    builder: config.builder,
    httpAddress: `${config.proxy.address === '*' ? '0.0.0.0' : config.proxy.address}:${String(config.proxy.port)}`,
    meshAddress: await meshAddress(config, own.identity),
    routeNamesMax: HOSTNAMES_MAX,
    sandboxSubnet: config.sandbox === 'process' ? '' : config.network.subnet,
  };
}

/** `address:port` at which other nodes reach this one's proxy; empty when they cannot. */
async function meshAddress({ mesh }: AgentConfig, { grpcAddress }: NodeIdentity): Promise<string> {
  if (mesh === false) return '';
  const bound = mesh.bind === '*' ? undefined : mesh.bind;
  const address = mesh.address ?? bound ?? (await localAddressTowards(grpcAddress));
  return address === '' ? '' : `${address}:${String(mesh.port)}`;
}

/** `2.6.12`; empty when it cannot be asked. */
async function haproxyVersion(): Promise<string> {
  const answer = await run({ file: 'haproxy', args: ['-v'], timeoutMs: 5_000 }).catch(() => undefined);
  return /version (\d+\.\d+[^ -]*)/i.exec(answer?.stdout ?? '')?.[1] ?? '';
}
