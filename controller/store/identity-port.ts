import type { NodeId, UserId } from '../../shared/domain/ids.ts';
import type { NodeName, UserName } from '../../shared/domain/names.ts';
import type { NodeRow, RetiredWhy, NewCertificate } from '../domain/nodes.ts';
import type { NewJoinToken, JoinTokenRow, JoinRequestRow, RejoinRequestRow } from '../domain/join-tokens.ts';
import type { ApiToken } from '../domain/users.ts';

/** Who a node is, for its whole life: certificates, and the tokens that lead to one. */
export interface IdentityStore {
  /** The node with this certificate, present or just issued. Not one that was retired. */
  nodeBySerial(serial: string): Promise<NodeRow | undefined>;
  nodeById(id: NodeId): Promise<NodeRow | undefined>;
  nodeByName(name: NodeName): Promise<NodeRow | undefined>;
  /** Whose certificate this was. */
  retiredCertificate(
    serial: string,
  ): Promise<{ readonly node: NodeRow; readonly why: RetiredWhy; readonly atMs: number } | undefined>;
  /**
   * Serials of certificates that are refused although they have not expired: those that a node had before it was revoked or rejoined, sorted.
   * A certificate that a renewal replaced is not among them, because connections that were made with it go on.
   */
  refusedCertificates(nowMs: number): Promise<readonly string[]>;
  /** Beside the present one, and in the place of an earlier one that was never used. */
  addCertificate(id: NodeId, certificate: NewCertificate): Promise<void>;
  /** A renewed certificate has been used: it is the node's now, and the former one is retired. */
  useCertificate(serial: string): Promise<void>;
  /** Retires every certificate of the node. @returns their serials */
  revokeCertificates(id: NodeId, by?: UserName): Promise<readonly string[]>;

  addJoinToken(token: NewJoinToken): Promise<void>;
  /** Unused and unexpired ones, newest first. */
  joinTokens(nowMs: number): Promise<readonly JoinTokenRow[]>;
  removeJoinToken(id: string, by?: UserName): Promise<boolean>;
  /** Spends nothing. @throws what `redeemJoinToken` would throw now for a machine that asks for the first time */
  checkJoinToken(secretHash: string, nowMs: number, name: NodeName): Promise<void>;
  /**
   * Single use: marks the token used and creates the node in one transaction. The same key gets the same node again
   * as long as that node never connected.
   * @throws SLIP_JOIN_TOKEN (unknown, used, expired: same words), SLIP_NODE_EXISTS
   */
  redeemJoinToken(secretHash: string, nowMs: number, node: JoinRequestRow): Promise<NodeRow>;
  /** The node a rejoin token is for, while it is good. @throws SLIP_REJOIN_TOKEN */
  rejoinTarget(secretHash: string, nowMs: number, keyHash: string): Promise<NodeRow>;
  /** Single use: every former certificate is retired, the new one is the node's. @throws SLIP_REJOIN_TOKEN, SLIP_REJOIN_OTHER */
  redeemRejoinToken(secretHash: string, nowMs: number, of: RejoinRequestRow): Promise<NodeRow>;

  apiTokensOf(userId: UserId): Promise<readonly ApiToken[]>;
  removeApiToken(userId: UserId, id: string): Promise<boolean>;
}
