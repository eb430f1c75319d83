import type { Observed, ObservedServer } from './observed.ts';
import { frontEntries } from './render-front.ts';
import { acmeEntries, httpsEntries } from './render-https.ts';
import { CHECKS, REACH, reachName } from './render-mesh.ts';
import { hostEntries, instanceEntries, memberEntries, refusedEntries } from './render.ts';
import { peerPoolName, peerServers, poolName, serverName, type Peer, type SlotTable } from './slot-table.ts';

// What the process has while nobody else changes it. Pure.

type Maps = Pick<Observed, 'hosts' | 'instances' | 'members' | 'refused' | 'https' | 'acme' | 'fronts'>;

/** The last observed state. As long as the process is the same, only changed backends must be observed. */
export interface LastSeen extends Maps {
  readonly workerPid: number;
  readonly table: SlotTable;
  readonly fullLookAtMs: number;
}

/** The maps of a table. */
export function mapsOf(table: SlotTable): Maps {
  return {
    hosts: [...hostEntries(table)],
    instances: [...instanceEntries(table)],
    members: [...memberEntries(table)],
    refused: [...refusedEntries(table)],
    https: [...httpsEntries(table)],
    acme: [...acmeEntries(table)],
    fronts: [...frontEntries(table)],
  };
}

/** Names of the backends that differ between two tables. */
export function changedPools(before: SlotTable, after: SlotTable): Set<string> {
  const text = new Map(before.pools.map((pool) => [pool.number, JSON.stringify(pool)]));
  const changed = new Set<string>();
  for (const pool of after.pools) {
    if (text.get(pool.number) !== JSON.stringify(pool))
      changed.add(poolName(pool.number)).add(peerPoolName(pool.number));
    text.delete(pool.number);
  }
  for (const number of text.keys()) changed.add(poolName(number)).add(peerPoolName(number));
  if (JSON.stringify(before.checked) !== JSON.stringify(after.checked)) changed.add(CHECKS).add(REACH);
  return changed;
}

/** The servers of the other backends, as the table has them. */
export function assumedServers(table: SlotTable, except: ReadonlySet<string>): [string, ObservedServer][] {
  const untouched = table.pools.filter((pool) => !except.has(poolName(pool.number)));
  const instances = untouched.flatMap(({ number, slots }) =>
    slots.map(({ number: slot, state, backend }) =>
      assumed(poolName(number), serverName(number, slot), { ...backend, ready: state === 'active' }),
    ),
  );
  const peers = untouched.flatMap((pool) =>
    peerServers(pool).map(({ name, peer }) => assumed(peerPoolName(pool.number), name, { ...peer, ready: true })),
  );
  return [...instances, ...peers, ...(except.has(CHECKS) ? [] : table.checked.flatMap(assumedChecks))];
}

function assumedChecks(peer: Peer): [string, ObservedServer][] {
  return [
    assumed(CHECKS, peer.nodeId, { ...peer, ready: true }),
    assumed(REACH, reachName(peer.nodeId), { ...peer, ready: true }),
  ];
}

function assumed(
  pool: string,
  name: string,
  is: { address: string; port: number; ready: boolean },
): [string, ObservedServer] {
  return [name, { pool, name, address: is.address, port: is.port, ready: is.ready, downForMs: undefined }];
}
