import type { NodeId } from '../../shared/domain/ids.ts';
import type { NodeState } from '../../shared/domain/states.ts';

/** A node, as far as its loss matters. */
export interface WatchedNode {
  readonly nodeId: NodeId;
  readonly state: NodeState;
  readonly connected: boolean;
  /** Since its last message, or since the start of the controller. */
  readonly silentMs: number;
  /** It already counts as lost. */
  readonly lost: boolean;
  /** It was revoked, or it is cordoned and empty. Its absence does not suggest a network failure. */
  readonly letGo: boolean;
  /** The shortest limit of the apps that run there. */
  readonly lostAfterMs: number;
}

export interface Losses {
  /** Nodes that are lost from now on. */
  readonly lost: readonly NodeId[];
  /** Absent nodes that do not count as lost, because too many are absent. This is probably a network failure. */
  readonly held: readonly NodeId[];
}

/** An outage: more than this share of the fleet is absent, and at least this many nodes. */
const OUTAGE_SHARE = 1 / 3;
const OUTAGE_COUNT = 2;

/**
 * Pure: decides which nodes are lost. Nodes that were lost before do not count as absent or as part of the fleet, so an old loss
 * does not block a new one. An outage ends when nodes connect again, or when an operator removes them.
 */
export function planLosses(nodes: readonly WatchedNode[]): Losses {
  const present = nodes.filter((node) => node.state !== 'joined' && !node.lost);
  const due = present
    .filter((node) => node.state === 'unreachable' && node.silentMs >= node.lostAfterMs)
    .map((node) => node.nodeId);
  const fleet = present.filter((node) => !node.letGo);
  const away = fleet.filter((node) => !node.connected || node.state === 'unreachable');
  const outage = away.length >= OUTAGE_COUNT && away.length > fleet.length * OUTAGE_SHARE;
  if (!outage) return { lost: due, held: [] };
  return { lost: [], held: due.length === 0 ? [] : away.map((node) => node.nodeId) };
}
