import type { Store } from '../store/port.ts';

export interface FormerCertificate {
  /** Name of the node whose it was. */
  readonly node: string;
  /** Why it is refused and what to do, for whoever holds it. */
  readonly words: string;
}

/** Whose a refused certificate was, and what its holder should hear; undefined when no node ever had it. */
export async function formerCertificate(
  store: Pick<Store, 'retiredCertificate'>,
  serial: string,
): Promise<FormerCertificate | undefined> {
  const known = await store.retiredCertificate(serial);
  if (known === undefined) return undefined;
  const { node, why, atMs } = known;
  const when = new Date(atMs).toISOString();
  if (node.state === 'removed')
    return {
      node: node.name,
      words: `Node ${node.name} was removed from the fleet. To use this machine again, join it anew: slipway nodes:token`,
    };
  const words = {
    revoked: `The certificate of node ${node.name} was revoked on ${when}. To let this machine back in, rejoin it: slipway nodes:rejoin ${node.name}`,
    rejoined: `Node ${node.name} rejoined with another certificate on ${when}. If that was not this machine, cut the other one off: slipway nodes:revoke ${node.name}`,
    renewed: `This certificate of node ${node.name} was replaced by a renewed one on ${when}: is this an old copy of its files? Rejoin with: slipway nodes:rejoin ${node.name}`,
  };
  return { node: node.name, words: words[why] };
}
