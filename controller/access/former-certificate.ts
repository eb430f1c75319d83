import type { Store } from '../store/port.ts';

export interface FormerCertificate {
  /** Name of its node. */
  readonly node: string;
  /** The reason and the next command, for the machine that uses it. */
  readonly message: string;
}

/** The node of a refused certificate, and the message for the machine that uses it. Undefined when no node ever had it. */
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
      message: `Node ${node.name} was removed from the fleet. To use this machine again, let it join again: slipway nodes:token`,
    };
  const messages = {
    revoked: `The certificate of node ${node.name} was revoked on ${when}. To allow this machine again, rejoin it: slipway nodes:rejoin ${node.name}`,
    rejoined: `Node ${node.name} rejoined with another certificate on ${when}. If that was another machine, revoke its certificate: slipway nodes:revoke ${node.name}`,
    renewed: `This certificate of node ${node.name} was replaced by a renewed one on ${when}. This machine may have an old copy of the files. Rejoin it with: slipway nodes:rejoin ${node.name}`,
  };
  return { node: node.name, message: messages[why] };
}
