import type { NodeId } from '../../shared/domain/ids.ts';
import type { NodeName, UserName } from '../../shared/domain/names.ts';

export interface JoinRequestRow {
  readonly name: NodeName;
  readonly certificateSerial: string;
  readonly notAfterMs?: number | undefined;
  /** Hash of the machine's public key. The same key may use its token again, when the first answer got lost. */
  readonly keyHash?: string | undefined;
}

export interface RejoinRequestRow {
  readonly certificateSerial: string;
  readonly notAfterMs?: number | undefined;
  readonly keyHash: string;
  /** The node id on the machine's disk. A token of another node is refused and stays valid. */
  readonly knownAs?: NodeId | undefined;
}

export interface NewJoinToken {
  readonly secretHash: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
  /** The user who created it; absent: the controller itself. */
  readonly by?: UserName | undefined;
  /** The node that gets a new certificate; absent: the token creates a node. */
  readonly rejoins?: NodeId | undefined;
}

/** A token that was neither used nor revoked. The secret is not stored. */
export interface JoinTokenRow {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly expiresAtMs: number;
  /** Name of the node that rejoins with it. */
  readonly rejoins?: string | undefined;
}
