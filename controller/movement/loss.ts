import type { NodeId } from '../../shared/domain/ids.ts';
import type { NodeState } from '../../shared/domain/states.ts';

/** A node as far as giving it up goes. */
export interface WatchedNode {
  readonly nodeId: NodeId;
  readonly state: NodeState;
  readonly connected: boolean;
  /** Since its last word, or since this life of the controller began. */
  readonly silentMs: number;
  /** Given up already. */
  readonly lost: boolean;
  /** It was revoked, or emptied and closed: that it is away says nothing of the network. */
  readonly letGo: boolean;
  /** The shortest patience of the apps that run there. */
  readonly lostAfterMs: number;
}

export interface Losses {
  /** To be given up now. */
  readonly lost: readonly NodeId[];
  /** Those away, where one of them would be given up if they were fewer: it is more likely the network, or the controller's own. */
  readonly held: readonly NodeId[];
}

/** More than this share of the fleet, and at least so many: not single failures. */
const OUTAGE_SHARE = 1 / 3;
const OUTAGE_COUNT = 2;

/**
 * Pure: whose instances are placed elsewhere. Nodes given up before count neither as away nor as fleet, so that an old loss
 * does not stop the next one. Ends when nodes come back, or when an operator removes those that will not.
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
