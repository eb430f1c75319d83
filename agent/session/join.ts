import { SlipwayError } from '../../shared/kit/errors.ts';
import { obtainMembership, type MembershipRequest } from './membership.ts';
import { readIdentity, type NodeIdentity } from './node-files.ts';

export interface JoinRequest extends MembershipRequest {
  /** Single-use. Secret: sent only to a server with the pinned CA. */
  readonly token: string;
  /** What the node shall be called. */
  readonly name: string;
}

export interface Joined {
  readonly identity: NodeIdentity;
  /** True when the node had joined before and nothing was done; the token is still good. */
  readonly already: boolean;
}

/**
 * Makes this machine a node: key and request here, certificate from the controller, all stored so that a crash leaves
 * either a member or a machine that can join again with the same token.
 * @throws SLIP_JOIN_*, and the controller's own refusal (e.g. SLIP_JOIN_TOKEN)
 */
export async function join(of: JoinRequest): Promise<Joined> {
  const known = await readIdentity(of.stateDir);
  if (known !== undefined) return { identity: known, already: true };
  return { identity: await obtainMembership(of, '/v1/join', { token: of.token, name: of.name }), already: false };
}

/**
 * Gives the node of a rejoin token a new certificate on this machine: it keeps its id, name and apps. What is left of
 * its files says which node this machine was; another node's token is refused and stays good.
 * @throws SLIP_JOIN_*, SLIP_REJOIN_*
 */
export async function rejoin(of: Omit<JoinRequest, 'name'>): Promise<NodeIdentity> {
  const known = await readIdentity(of.stateDir).catch((error: unknown) => {
    // Damaged files are a reason to rejoin, not against it.
    if (error instanceof SlipwayError && error.code === 'SLIP_NODE_FILES') return undefined;
    throw error;
  });
  const knownAs = known === undefined ? {} : { nodeId: known.nodeId };
  return await obtainMembership(of, '/v1/rejoin', { token: of.token, ...knownAs });
}
