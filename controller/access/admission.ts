import { isIPv6 } from 'node:net';

/** Decides which connection is ended for a new one. A flood of unauthenticated connections must not keep users out. Pure. */

export interface AdmissionLimits {
  /** Connections that are not authenticated yet: the total, and for each address. */
  readonly maxWaiting: number;
  readonly maxWaitingPerAddress: number;
  /** All connections: the total, and for each address. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** A connection that is not authenticated. */
export interface WaitingPeer {
  /** An {@link addressGroup}. */
  readonly address: string;
  /** True when it has not sent a byte yet. */
  readonly silent: boolean;
}

export interface Newcomer {
  /** An {@link addressGroup}. */
  readonly address: string;
  /** Connections that are open now: the total, and from this address. */
  readonly connections: number;
  readonly connectionsOfAddress: number;
}

export type Admission<P> = { readonly accept: true; readonly drop?: P | undefined } | { readonly accept: false };

/**
 * Decides about a new connection. `waiting` is ordered by age, oldest first. At a limit, a waiting connection is ended. At the limit of an
 * address, it is one of this address. An authenticated connection is never ended. When none waits, the new connection is refused.
 */
export function admit<P extends WaitingPeer>(
  newcomer: Newcomer,
  waiting: Iterable<P>,
  limits: AdmissionLimits,
): Admission<P> {
  const all = [...waiting];
  const same = all.filter((peer) => peer.address === newcomer.address);
  if (same.length >= limits.maxWaitingPerAddress || newcomer.connectionsOfAddress >= limits.maxConnectionsPerAddress)
    return replace(same);
  if (all.length >= limits.maxWaiting || newcomer.connections >= limits.maxConnections) return replace(all);
  return { accept: true };
}

/** The oldest connection that sent nothing. Otherwise the oldest one of the most frequent address in the most frequent network. */
function replace<P extends WaitingPeer>(peers: readonly P[]): Admission<P> {
  const drop = peers.find((peer) => peer.silent) ?? oldestOfCrowd(peers);
  return drop === undefined ? { accept: false } : { accept: true, drop };
}

function oldestOfCrowd<P extends WaitingPeer>(peers: readonly P[]): P | undefined {
  return mostCrowded(
    mostCrowded(peers, (peer) => networkOf(peer.address)),
    (peer) => peer.address,
  )[0];
}

function mostCrowded<P>(peers: readonly P[], keyOf: (peer: P) => string): readonly P[] {
  const groups = [...Map.groupBy(peers, keyOf).values()];
  return groups.reduce<readonly P[]>((most, group) => (group.length > most.length ? group : most), []);
}

/** The unit of the limits: an IPv4 address, or the /64 of an IPv6 address. */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail] = address.split('::');
  const front = head.split(':').filter(Boolean);
  const back = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  return [...front, ...Array<string>(zeros).fill('0'), ...back].slice(0, 4).join(':');
}

/** One owner often has many addresses of a network: the /24 of an IPv4 address, the /48 of a /64. */
function networkOf(group: string): string {
  return group.split(/[.:]/).slice(0, 3).join(':');
}
