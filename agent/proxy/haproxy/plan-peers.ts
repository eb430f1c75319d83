import type { MeshPeer } from '../../../shared/domain/fleet-routes.ts';
import { isId } from '../../../shared/domain/ids.ts';
import { isIpv4 } from '../../../shared/domain/ipv4.ts';
import { compare } from './compare.ts';
import type { Peer, Pool, SlotTable } from './slot-table.ts';

/** In a fleet up to this size, every member is checked, so that a first deploy to a node costs no reload on others. In a larger fleet, only used peers are. */
const CHECK_ALL_MAX = 64;

/** True if the node accepts requests of other nodes, and its values are valid in a config file. */
export function isReachable(peer: MeshPeer): boolean {
  return isId(peer.nodeId) && isIpv4(peer.address) && peer.port > 0 && peer.port < 65_536;
}

export function asPeer({ nodeId, address, port }: MeshPeer): Peer {
  return { nodeId, address, port };
}

/** The accepted members and the checked peers. A peer that is no longer used stays checked, because its removal costs a reload. */
export function planPeers(
  table: SlotTable,
  pools: readonly Pool[],
  members: readonly MeshPeer[],
): Pick<SlotTable, 'checked' | 'members'> {
  const reachable = members.filter(isReachable);
  const used = new Set(pools.flatMap((pool) => pool.peers.map((peer) => peer.nodeId)));
  const wanted = reachable.length <= CHECK_ALL_MAX ? reachable : reachable.filter((peer) => used.has(peer.nodeId));
  const known = new Map([...table.checked, ...wanted.map(asPeer)].map((peer) => [peer.nodeId, peer]));
  for (const peer of pools.flatMap((pool) => pool.peers)) known.set(peer.nodeId, peer);
  const grows = known.size > table.checked.length;
  const kept = [...known.values()].filter(
    (peer) => !grows || used.has(peer.nodeId) || members.some((each) => each.nodeId === peer.nodeId),
  );
  return {
    checked: kept.sort((a, b) => compare(a.nodeId, b.nodeId)),
    members: members
      .filter((each) => isId(each.nodeId))
      .map((each): readonly [string, string] => [each.nodeId, each.name])
      .sort(([a], [b]) => compare(a, b)),
  };
}
