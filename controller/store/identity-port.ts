import type { NodeId, UserId } from '../../shared/domain/ids.ts';
import type { NodeName, UserName } from '../../shared/domain/names.ts';
import type { NodeRow, RetiredWhy, NewCertificate } from '../domain/nodes.ts';
import type { NewJoinToken, JoinTokenRow, JoinRequestRow, RejoinRequestRow } from '../domain/join-tokens.ts';
import type { ApiToken } from '../domain/users.ts';

/** Part of the store: the identities of nodes, with their certificates and tokens. */
export interface IdentityStore {
  /** The node with this certificate, current or pending. Not for a retired certificate. */
  nodeBySerial(serial: string): Promise<NodeRow | undefined>;
  nodeById(id: NodeId): Promise<NodeRow | undefined>;
  nodeByName(name: NodeName): Promise<NodeRow | undefined>;
  /** The former node of a retired certificate. */
  retiredCertificate(
    serial: string,
  ): Promise<{ readonly node: NodeRow; readonly why: RetiredWhy; readonly atMs: number } | undefined>;
  /**
   * Serials of certificates that are refused although they have not expired: those that a node had before it was revoked or rejoined, sorted.
   * A certificate that a renewal replaced is not among them, because connections with it continue.
   */
  refusedCertificates(nowMs: number): Promise<readonly string[]>;
  /** Adds a pending certificate beside the current one. It replaces an earlier pending one. */
  addCertificate(id: NodeId, certificate: NewCertificate): Promise<void>;
  /** The pending certificate was used: it becomes the current one, and the former one is retired. */
  useCertificate(serial: string): Promise<void>;
  /** Retires every certificate of the node. @returns their serials */
  revokeCertificates(id: NodeId, by?: UserName): Promise<readonly string[]>;

  addJoinToken(token: NewJoinToken): Promise<void>;
  /** Unused and unexpired ones, newest first. */
  joinTokens(nowMs: number): Promise<readonly JoinTokenRow[]>;
  removeJoinToken(id: string, by?: UserName): Promise<boolean>;
  /** Does not use the token. @throws the errors of `redeemJoinToken` for a new machine */
  checkJoinToken(secretHash: string, nowMs: number, name: NodeName): Promise<void>;
  /**
   * Single use: marks the token used and creates the node in one transaction. The same key gets the same node again
   * as long as that node never connected.
   * @throws SLIP_JOIN_TOKEN (unknown, used, expired: same message), SLIP_NODE_EXISTS
   */
  redeemJoinToken(secretHash: string, nowMs: number, node: JoinRequestRow): Promise<NodeRow>;
  /** The node of a valid rejoin token. @throws SLIP_REJOIN_TOKEN */
  rejoinTarget(secretHash: string, nowMs: number, keyHash: string): Promise<NodeRow>;
  /** Single use: retires every former certificate and makes the new one current. @throws SLIP_REJOIN_TOKEN, SLIP_REJOIN_OTHER */
  redeemRejoinToken(secretHash: string, nowMs: number, request: RejoinRequestRow): Promise<NodeRow>;

  apiTokensOf(userId: UserId): Promise<readonly ApiToken[]>;
  removeApiToken(userId: UserId, id: string): Promise<boolean>;
}
