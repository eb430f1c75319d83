import { isIPv6 } from 'node:net';

/** Who may wait for authentication: a crowd of silent sockets must not keep an honest push out. Pure. */

export interface AdmissionLimits {
  /** Connections that have not authenticated yet, in all and from one address. */
  readonly maxWaiting: number;
  readonly maxWaitingPerAddress: number;
  /** Connections of every kind. */
  readonly maxConnections: number;
}

export interface WaitingPeer {
  readonly address: string;
  /** Has not sent one byte yet. */
  readonly silent: boolean;
}

export type Admission<P> = { readonly accept: true; readonly drop?: P | undefined } | { readonly accept: false };

/**
 * Decides over a newcomer. `waiting` is ordered by age, oldest first. When a limit is reached, the oldest peer that has said nothing makes
 * room (of the same address if it is that address's limit); if all are talking, the newcomer is refused.
 */
export function admit<P extends WaitingPeer>(
  address: string,
  waiting: Iterable<P>,
  state: AdmissionLimits & { connections: number },
): Admission<P> {
  const all = [...waiting];
  const same = all.filter((peer) => peer.address === address);
  if (same.length >= state.maxWaitingPerAddress) return replaceSilent(same);
  if (all.length >= state.maxWaiting || state.connections >= state.maxConnections) return replaceSilent(all);
  return { accept: true };
}

function replaceSilent<P extends WaitingPeer>(peers: readonly P[]): Admission<P> {
  const drop = peers.find((peer) => peer.silent);
  return drop === undefined ? { accept: false } : { accept: true, drop };
}

/** The unit that limits count by: an IPv4 address, or the /64 of an IPv6 address. */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail] = address.split('::');
  const front = head.split(':').filter(Boolean);
  const back = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  return [...front, ...Array<string>(zeros).fill('0'), ...back].slice(0, 4).join(':');
}
