import type { NodeId } from '../../shared/domain/ids.ts';
import type { NodeName, UserName } from '../../shared/domain/names.ts';

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
