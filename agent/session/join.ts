import { SlipwayError } from '../../shared/kit/errors.ts';
import { obtainMembership, type MembershipRequest } from './membership.ts';
import { readIdentity, type NodeIdentity } from './node-files.ts';

export interface JoinRequest extends MembershipRequest {
  /** Single-use. Secret: sent only to a server with the pinned CA. */
  readonly token: string;
  /** The name of the new node. */
  readonly name: string;
}

export interface Joined {
  readonly identity: NodeIdentity;
  /** True when the node had joined before. Then nothing was done, and the token is still valid. */
  readonly already: boolean;
}

/**
 * Makes this machine a node. The key is made here, the certificate comes from the controller. After a crash the machine is a member, or it
 * can join with the same token.
 * @throws SLIP_JOIN_*, and the error of the controller (e.g. SLIP_JOIN_TOKEN)
 */
export async function join(request: JoinRequest): Promise<Joined> {
  const known = await readIdentity(request.stateDir);
  if (known !== undefined) return { identity: known, already: true };
  return {
    identity: await obtainMembership(request, '/v1/join', { token: request.token, name: request.name }),
    already: false,
  };
}

/**
 * Gives the node of a rejoin token a new certificate on this machine. The node keeps its id, name and apps. If this machine still has the
 * files of another node, the controller refuses the token, and the token stays valid.
 * @throws SLIP_JOIN_*, SLIP_REJOIN_*
 */
export async function rejoin(request: Omit<JoinRequest, 'name'>): Promise<NodeIdentity> {
  const known = await readIdentity(request.stateDir).catch((error: unknown) => {
    // Damaged files are a reason to rejoin.
    if (error instanceof SlipwayError && error.code === 'SLIP_NODE_FILES') return undefined;
    throw error;
  });
  const knownAs = known === undefined ? {} : { nodeId: known.nodeId };
  return await obtainMembership(request, '/v1/rejoin', { token: request.token, ...knownAs });
}
