import type { NodeId } from '../../../shared/domain/ids.ts';
import { parseNodeName } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { newSerial } from '../../access/ca/certificates.ts';
import { hashToken } from '../../access/tokens.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'store' | 'clock' | 'authority'>;

/** Checks that a machine may join. Nothing changes. @throws SLIP_JOIN_TOKEN, SLIP_NAME_NODE */
export async function checkJoin(
  { store, clock }: Pick<ApiDeps, 'store' | 'clock'>,
  { token, name }: { readonly token: string; readonly name: string },
): Promise<void> {
  await store.checkJoinToken(hashToken(token), clock.nowMs(), parseNodeName(name));
}

/** Uses up the token and records the new node. */
export async function joinFleet(
  deps: Deps,
  { token, csr, name: text }: { readonly token: string; readonly csr: string; readonly name: string },
): Promise<NodeRow> {
  const name = parseNodeName(text);
  // Checked before the token is used up: a wrong request must not cost one.
  const keyHash = await deps.authority.checkRequest(csr);
  return await deps.store.redeemJoinToken(hashToken(token), deps.clock.nowMs(), {
    name,
    keyHash,
    ...newCertificate(deps),
  });
}

/** Uses up the token and records a new certificate for the node that the token is for. */
export async function rejoinFleet(
  deps: Deps & Pick<ApiDeps, 'fleet'>,
  { token, csr, nodeId }: { readonly token: string; readonly csr: string; readonly nodeId?: string | undefined },
): Promise<NodeRow> {
  const { store, clock, authority } = deps;
  const keyHash = await authority.checkRequest(csr);
  const secretHash = hashToken(token);
  refuseWhileConnected(deps, await store.rejoinTarget(secretHash, clock.nowMs(), keyHash));
  return await store.redeemRejoinToken(secretHash, clock.nowMs(), {
    ...newCertificate(deps),
    ...(nodeId === undefined ? {} : { knownAs: nodeId as NodeId }),
    keyHash,
  });
}

/** What a machine needs to be a node of the fleet. */
export interface Membership {
  readonly node: NodeRow;
  readonly certificatePem: string;
  readonly caPem: string;
}

export async function issueMembership(
  { authority }: Pick<ApiDeps, 'authority'>,
  { node, csr }: { readonly node: NodeRow; readonly csr: string },
): Promise<Membership> {
  const issued = await authority.issueNode({ csrPem: csr, nodeId: node.id, serial: node.certificateSerial });
  return { node, certificatePem: issued.certificatePem, caPem: authority.caPem };
}

/** Issues the next certificate of a node. The current one stays valid until the node uses the next one. */
export async function renewCertificate(
  { store, authority, log }: Pick<ApiDeps, 'store' | 'authority' | 'log'>,
  { node, csr }: { readonly node: NodeRow; readonly csr: string },
): Promise<string> {
  await authority.checkRequest(csr);
  const serial = newSerial();
  const { certificatePem, notAfterMs } = await authority.issueNode({ csrPem: csr, nodeId: node.id, serial });
  await store.addCertificate(node.id, { serial, notAfterMs });
  log.info({ node: node.name, notAfterMs }, 'node.certificate_issued');
  return certificatePem;
}

function newCertificate({ authority, clock }: Deps): { certificateSerial: string; notAfterMs: number } {
  return { certificateSerial: newSerial(), notAfterMs: clock.nowMs() + authority.nodeLifetimeMs };
}

/** A stolen token must not replace a machine that is connected. */
function refuseWhileConnected({ fleet }: Pick<ApiDeps, 'fleet'>, node: NodeRow): void {
  if (fleet.node(node.id)?.connected !== true) return;
  throw rejoinConnected(node.name);
}

export function rejoinConnected(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_REJOIN_CONNECTED',
    kind: 'conflict',
    message: `Node ${name} is connected with a valid certificate, so it does not need to rejoin.`,
    hint: `To replace the machine, revoke its certificate first: slipway nodes:revoke ${name}`,
  });
}
