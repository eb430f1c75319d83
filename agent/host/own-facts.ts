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

/** Two nodes that have just joined learn of each other in less time, so a shorter failure is not reported. */
const PEER_UNREACHABLE_MS = 5_000;

const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const NEEDED_PROGRAMS = [
  { program: 'haproxy', message: 'haproxy is missing: apps get no traffic; install it with: apt-get install haproxy' },
  {
    program: 'mksquashfs',
    message: 'mksquashfs is missing: nothing can be built here; install it with: apt-get install squashfs-tools',
  },
];

/** What this machine lacks now. Packages can be installed and removed while the agent runs. */
export async function missingHere({ sandbox }: Pick<AgentConfig, 'sandbox'>): Promise<readonly string[]> {
  return [...(await findMissing(NEEDED_PROGRAMS, PROGRAM_FOLDERS)), ...(await probeSandbox(sandbox))];
}

/** The parts that a heartbeat reports. */
export interface HeartbeatParts {
  readonly proxy: Pick<Proxy, 'unreachablePeers' | 'problems'>;
  readonly unreadable: Pick<UnreadableCount, 'update' | 'current'>;
  readonly loop: Pick<ReconcileLoop, 'hostFailure'>;
}

export async function ownHeartbeat(
  config: Pick<AgentConfig, 'stateDir' | 'sandbox'>,
  { proxy, unreadable, loop }: HeartbeatParts,
): Promise<Omit<Heartbeat, 'kind'>> {
  void unreadable.update(); // for the next heartbeat, because a slow disk must not delay this one
  return {
    ...(await collectHeartbeat(config.stateDir)),
    unreachablePeerIds: await proxy.unreachablePeers(PEER_UNREACHABLE_MS),
    host: { missing: [...(await missingHere(config)), ...proxy.problems()], failure: loop.hostFailure() },
    unreadableRequests: unreadable.current(),
  };
}

/** Facts about the parts of this agent. */
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
    httpsPort: config.proxy.tls === false ? 0 : config.proxy.tls.port,
    meshAddress: await meshAddress(config, own.identity),
    routeNamesMax: HOSTNAMES_MAX,
    sandboxSubnet: config.sandbox === 'process' ? '' : config.network.subnet,
  };
}

/** `address:port` at which other nodes reach the proxy of this node; empty when they cannot. */
async function meshAddress({ mesh }: AgentConfig, { grpcAddress }: NodeIdentity): Promise<string> {
  if (mesh === false) return '';
  const bound = mesh.bind === '*' ? undefined : mesh.bind;
  const address = mesh.address ?? bound ?? (await localAddressTowards(grpcAddress));
  return address === '' ? '' : `${address}:${String(mesh.port)}`;
}

/** For example `2.6.12`; empty when HAProxy cannot be started. */
async function haproxyVersion(): Promise<string> {
  const answer = await run({ file: 'haproxy', args: ['-v'], timeoutMs: 30_000 }).catch(() => undefined);
  return /version (\d+\.\d+[^ -]*)/i.exec(answer?.stdout ?? '')?.[1] ?? '';
}
