import type { NodeId } from '../../shared/domain/ids.ts';
import type { NodeName } from '../../shared/domain/names.ts';
import type { NodeState } from '../../shared/domain/states.ts';

export interface NodeRow {
  readonly id: NodeId;
  readonly name: NodeName;
  /** Serial of the node's certificate, lower-case hex. */
  readonly certificateSerial: string;
  readonly state: NodeState;
  readonly labels: Readonly<Record<string, string>>;
  /** Last reported facts, JSON object; undefined before the first Hello. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
  readonly joinedAtMs: number;
  /** Grows with every change of the node's desired state. */
  readonly generation: number;
  /** The node gets no new instances. */
  readonly cordoned: boolean;
  /** Deadline of a drain, wall clock. A draining node is always cordoned too. */
  readonly drainUntilMs?: number | undefined;
  /** Since when its instances are replaced on other nodes because it is silent, wall clock. Absent again after it returns. */
  readonly lostAtMs?: number | undefined;
  /** When its certificate expires; absent when that is unknown. */
  readonly certificateNotAfterMs?: number | undefined;
  /** Set while its certificates are revoked and it has not rejoined. */
  readonly revokedAtMs?: number | undefined;
}

/** A change of a node. `null` clears a field; an absent field stays. */
export interface NodeChange {
  readonly cordoned?: boolean;
  readonly drainUntilMs?: number | null;
  readonly lostAtMs?: number | null;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A node that has sent a Hello, and its facts if they have changed. */
export interface PresentNode {
  readonly id: NodeId;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Why a certificate was retired. */
export type RetiredWhy = 'renewed' | 'rejoined' | 'revoked';

export interface NewCertificate {
  readonly serial: string;
  readonly notAfterMs?: number | undefined;
}
