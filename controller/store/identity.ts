import type { NodeId, UserId } from '../../shared/domain/ids.ts';
import type { NodeName, UserName } from '../../shared/domain/names.ts';
import type { NodeState } from '../../shared/domain/states.ts';

export interface NodeRow {
  readonly id: NodeId;
  readonly name: NodeName;
  /** Serial of the certificate that is this node; a look-up key. Lower-case hex. */
  readonly certificateSerial: string;
  readonly state: NodeState;
  readonly labels: Readonly<Record<string, string>>;
  /** Last reported facts, JSON object; undefined before the first Hello. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
  readonly joinedAtMs: number;
  /** Grows with every change of the node's desired state. */
  readonly generation: number;
  /** It gets no new instances. */
  readonly cordoned: boolean;
  /** Set while its instances are moved to other nodes: until when at the latest, wall clock. Always cordoned as well. */
  readonly drainUntilMs?: number | undefined;
  /** Set once its silence has lasted so long that its instances are replaced elsewhere, until it is back; wall clock. */
  readonly lostAtMs?: number | undefined;
  /** When its certificate runs out; absent where that is not known. */
  readonly certificateNotAfterMs?: number | undefined;
  /** Its certificates were revoked and it has not rejoined since. */
  readonly revokedAtMs?: number | undefined;
}

export interface ApiToken {
  readonly id: string;
  readonly userId: UserId;
  readonly description: string;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number | undefined;
}

/** Why a certificate is no longer a node's. */
export type RetiredWhy = 'renewed' | 'rejoined' | 'revoked';

export interface NewCertificate {
  readonly serial: string;
  readonly notAfterMs?: number | undefined;
}

export interface JoinRequestRow {
  readonly name: NodeName;
  readonly certificateSerial: string;
  readonly notAfterMs?: number | undefined;
  /** Of the machine's public key: the same key may use its token again, when the answer to the first time got lost. */
  readonly keyHash?: string | undefined;
}

export interface RejoinRequestRow {
  readonly certificateSerial: string;
  readonly notAfterMs?: number | undefined;
  readonly keyHash: string;
  /** What the machine still knows itself as; another node's token is refused before it is spent. */
  readonly knownAs?: NodeId | undefined;
}

export interface NewJoinToken {
  readonly secretHash: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
  /** Who made it; absent: the controller itself. */
  readonly by?: UserName | undefined;
  /** Gives this node a new certificate, instead of making a node. */
  readonly rejoins?: NodeId | undefined;
}

/** A token that has been made and neither used nor revoked; the secret itself is nowhere. */
export interface JoinTokenRow {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly expiresAtMs: number;
  /** Name of the node it is for, when it rejoins one. */
  readonly rejoins?: string | undefined;
}

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
