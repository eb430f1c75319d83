import { CHECKS, REACH, reachName } from './render-mesh.ts';
import { hostEntries, instanceEntries, memberEntries, refusedEntries } from './render.ts';
import {
  peerPoolName,
  peerServers,
  poolName,
  serverName,
  type PeerServer,
  type Pool,
  type SlotTable,
} from './slot-table.ts';
import type { Observed, ObservedServer } from './observed.ts';
import type { ProxyPaths } from './settings.ts';

type Entries = readonly (readonly [key: string, value: string])[];

/** Beyond this many changed entries a map is replaced as a whole. */
const SINGLE_CHANGES_MAX = 16;
/** Well below the 16 KiB buffer of the runtime API: a longer payload is answered like a success and lost. */
const PAYLOAD_BYTES_MAX = 8192;

/** A command, or the replacement of a whole map (whose commands need the version number from a reply). */
export type RuntimeStep =
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'replaceMap'; readonly file: string; readonly payloads: readonly string[] };

export interface RuntimeTarget {
  readonly paths: Pick<ProxyPaths, 'hosts' | 'instances' | 'members' | 'refused'>;
  /** Options of a server that is another node. */
  readonly peerServerOptions: (server: PeerServer) => string;
}

/**
 * Commands that lead a process of the same layout from what it serves to the table; none when it serves the table.
 * New servers are ready before names lead to them, and old ones drain only after that; a name that leads to a backend
 * of another app goes first, so that it never shows the wrong app.
 */
export function planRuntime(observed: Observed, table: SlotTable, to: RuntimeTarget): RuntimeStep[] {
  const { paths } = to;
  const hosts = hostEntries(table);
  const misleading = misleadingHosts(observed, table);
  const rightHosts = observed.hosts.filter(([host]) => !misleading.has(host));
  const settled = settledPools(observed, misleading);
  const surplus = surplusServers(observed, table);
  return [
    ...[...misleading].map((host) => command(`del map ${paths.hosts} ${host}`)),
    ...surplus.filter((server) => !settled.has(server.pool)).map(drain),
    ...mapSteps(observed.instances, instanceEntries(table), paths.instances),
    ...mapSteps(observed.refused, refusedEntries(table), paths.refused),
    ...mapSteps(observed.members, memberEntries(table), paths.members),
    ...moveChecks(observed, table),
    ...table.pools.flatMap((pool) => [...activate(observed, pool), ...activatePeers(observed, pool, to)]),
    ...mapSteps(rightHosts, hosts, paths.hosts),
    ...surplus.filter((server) => settled.has(server.pool)).map(drain),
  ];
}

/** Backends to which a name of their own app leads: there, old servers must go on until the new ones are ready. */
function settledPools(observed: Observed, misleading: ReadonlySet<string>): Set<string> {
  const own = observed.hosts.filter(([host]) => !misleading.has(host));
  return new Set(own.map(([, value]) => value.split('/')[0] ?? ''));
}

/** Names that lead to a backend which is another app's in the table. */
function misleadingHosts(observed: Observed, table: SlotTable): Set<string> {
  const appOf = new Map<string, string>(
    table.pools.flatMap((pool) => [poolName(pool.number), peerPoolName(pool.number)].map((name) => [name, pool.app])),
  );
  const misleading = observed.hosts.filter(([, value]) => {
    const [pool = '', app = ''] = value.split('/');
    const owner = appOf.get(pool);
    return owner !== undefined && owner !== app;
  });
  return new Set(misleading.map(([host]) => host));
}

function surplusServers(observed: Observed, table: SlotTable): ObservedServer[] {
  const active = new Set<string>();
  for (const pool of table.pools) {
    for (const slot of pool.slots) if (slot.state === 'active') active.add(serverName(pool.number, slot.number));
    for (const { name } of peerServers(pool)) active.add(name);
  }
  const isOfAnApp = ({ pool }: ObservedServer): boolean => pool !== CHECKS && pool !== REACH;
  return [...observed.servers.values()].filter(
    (server) => server.ready && isOfAnApp(server) && !active.has(server.name),
  );
}

function activate(observed: Observed, pool: Pool): RuntimeStep[] {
  const steps: RuntimeStep[] = [];
  for (const { number, state, backend } of pool.slots) {
    if (state !== 'active') continue;
    const name = serverName(pool.number, number);
    const target = `${poolName(pool.number)}/${name}`;
    const server = observed.servers.get(name);
    if (server === undefined) steps.push(command(`add server ${target} ${backend.address}:${String(backend.port)}`));
    else steps.push(...moveTo(server, target, backend));
    if (server?.ready !== true) steps.push(command(`set server ${target} state ready`));
  }
  return steps;
}

/** Like instances, but with TLS: what they are cannot be changed later, so each has a name of its own. */
function activatePeers(observed: Observed, pool: Pool, { peerServerOptions }: RuntimeTarget): RuntimeStep[] {
  return peerServers(pool).flatMap((peerServer) => {
    const { name, peer } = peerServer;
    const target = `${peerPoolName(pool.number)}/${name}`;
    const server = observed.servers.get(name);
    const steps: RuntimeStep[] = [];
    if (server === undefined)
      steps.push(command(`add server ${target} ${peer.address}:${String(peer.port)} ${peerServerOptions(peerServer)}`));
    else steps.push(...moveTo(server, target, peer));
    if (server?.ready !== true) steps.push(command(`set server ${target} state ready`));
    return steps;
  });
}

/** Who is checked belongs to the layout, where does not. */
function moveChecks(observed: Observed, table: SlotTable): RuntimeStep[] {
  return table.checked.flatMap((peer) =>
    [peer.nodeId, reachName(peer.nodeId)].flatMap((name) => {
      const server = observed.servers.get(name);
      return server?.pool === CHECKS || server?.pool === REACH ? moveTo(server, `${server.pool}/${name}`, peer) : [];
    }),
  );
}

function moveTo(
  server: ObservedServer,
  target: string,
  to: { readonly address: string; readonly port: number },
): RuntimeStep[] {
  if (server.address === to.address && server.port === to.port) return [];
  return [command(`set server ${target} addr ${to.address} port ${String(to.port)}`)];
}

function drain(server: ObservedServer): RuntimeStep {
  return command(`set server ${server.pool}/${server.name} state drain`);
}

function mapSteps(observed: Entries, wanted: ReadonlyMap<string, string>, file: string): RuntimeStep[] {
  const has = new Map(observed);
  const changes: RuntimeStep[] = [];
  for (const [key, value] of wanted) {
    if (!has.has(key)) changes.push(command(`add map ${file} ${key} ${value}`));
    else if (has.get(key) !== value) changes.push(command(`set map ${file} ${key} ${value}`));
  }
  for (const key of has.keys()) if (!wanted.has(key)) changes.push(command(`del map ${file} ${key}`));
  const doubled = has.size !== observed.length;
  return doubled || changes.length > SINGLE_CHANGES_MAX
    ? [{ kind: 'replaceMap', file, payloads: payloads(wanted) }]
    : changes;
}

function payloads(entries: ReadonlyMap<string, string>): string[] {
  const chunks: string[] = [];
  let chunk = '';
  for (const [key, value] of entries) {
    const line = `${key} ${value}\n`;
    if (chunk.length + line.length > PAYLOAD_BYTES_MAX) {
      chunks.push(chunk);
      chunk = '';
    }
    chunk += line;
  }
  return chunk === '' ? chunks : [...chunks, chunk];
}

function command(text: string): RuntimeStep {
  return { kind: 'command', text };
}
