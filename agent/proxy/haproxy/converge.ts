import { CHECKS, REACH, reachName } from './render-mesh.ts';
import { frontEntries } from './render-front.ts';
import { acmeEntries, httpsEntries } from './render-https.ts';
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

/** If more entries change, the whole map is replaced. */
const SINGLE_CHANGES_MAX = 16;
/** Well below the 16 KiB buffer of the runtime API: HAProxy loses a longer payload without an error. */
const PAYLOAD_BYTES_MAX = 8192;

/** The defaults of a server of the file. A server that is added at run time keeps no idle connection without them. */
const KEEP_IDLE = 'pool-max-conn -1 pool-purge-delay 5s';

/** A command, or the replacement of a whole map (whose commands need the version number from a reply). */
export type RuntimeStep =
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'replaceMap'; readonly file: string; readonly payloads: readonly string[] };

export interface RuntimeTarget {
  readonly paths: Pick<ProxyPaths, 'hosts' | 'instances' | 'members' | 'refused' | 'https' | 'acme' | 'fronts'>;
  /** Options of a server that stands for another node. */
  readonly peerServerOptions: (server: PeerServer) => string;
}

/**
 * Commands that change a process with the same layout so that it serves the table. None, if it serves the table already.
 * First, host names that lead to a backend of another app are removed, so that they never show the wrong app. New servers become ready before
 * host names lead to them, and old servers drain after that.
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
    ...mapSteps(observed.acme, acmeEntries(table), paths.acme),
    ...mapSteps(observed.fronts, frontEntries(table), paths.fronts),
    ...moveChecks(observed, table),
    ...table.pools.flatMap((pool) => [...activate(observed, pool), ...activatePeers(observed, pool, to)]),
    ...mapSteps(rightHosts, hosts, paths.hosts),
    ...mapSteps(observed.https, httpsEntries(table), paths.https),
    ...surplus.filter((server) => settled.has(server.pool)).map(drain),
  ];
}

/** Backends that a host name of their own app leads to. Their old servers must continue until the new ones are ready. */
function settledPools(observed: Observed, misleading: ReadonlySet<string>): Set<string> {
  const own = observed.hosts.filter(([host]) => !misleading.has(host));
  return new Set(own.map(([, value]) => value.split('/')[0] ?? ''));
}

/** Host names that lead to a backend of another app, by the table. An app that was renamed is still the same app. */
function misleadingHosts(observed: Observed, table: SlotTable): Set<string> {
  const ownerOf = new Map<string, Pool>(
    table.pools.flatMap((pool) => [poolName(pool.number), peerPoolName(pool.number)].map((name) => [name, pool])),
  );
  const misleading = observed.hosts.filter(([, value]) => {
    const [name = '', app, appId] = value.split('/');
    const owner = ownerOf.get(name);
    if (owner === undefined) return false;
    return appId === undefined || owner.appId === undefined ? owner.app !== app : owner.appId !== appId;
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
    if (server === undefined)
      steps.push(command(`add server ${target} ${backend.address}:${String(backend.port)} ${KEEP_IDLE}`));
    else steps.push(...moveTo(server, target, backend));
    if (server?.ready !== true) steps.push(command(`set server ${target} state ready`));
  }
  return steps;
}

/** Like instances, but with TLS. The TLS options of a server cannot change, so each peer has its own server name. */
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

/** The list of checked peers belongs to the layout. Their addresses do not. */
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
