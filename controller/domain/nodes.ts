import type { NodeId } from '../../shared/domain/ids.ts';
import type { NodeName } from '../../shared/domain/names.ts';
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

/** What may change of a node by an operator's word or by its absence; `null` clears, what is absent stays. */
export interface NodeChange {
  readonly cordoned?: boolean;
  readonly drainUntilMs?: number | null;
  readonly lostAtMs?: number | null;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A node that has said Hello, and its facts if they are new. */
export interface PresentNode {
  readonly id: NodeId;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Why a certificate is no longer a node's. */
export type RetiredWhy = 'renewed' | 'rejoined' | 'revoked';

export interface NewCertificate {
  readonly serial: string;
  readonly notAfterMs?: number | undefined;
}
