import type { CertificateId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { IssuedState } from '../../shared/domain/states.ts';

/** The reasons that a subscriber may give (RFC 5280, 5.3.1), with their numbers in a request. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  superseded: 4,
  cessationOfOperation: 5,
} as const;
export type RevocationReason = keyof typeof REVOCATION_REASONS;

/** A certificate that a CA gave and that has not ended, also when it is not served any more. */
export interface IssuedCertificate {
  /** SHA-256 of its DER form, lower-case hex. */
  readonly fingerprint: string;
  /** The id under which it was served. Its successors have the same id. */
  readonly id: CertificateId;
  readonly hostname: string;
  /** The CA that gave it. */
  readonly directoryUrl: string;
  readonly notAfterMs: number;
  readonly state: IssuedState;
  readonly sinceMs: number;
  /** When the next step is due. */
  readonly dueAtMs: number;
  /** Refusals of the CA in a row. */
  readonly failures: number;
  /** Undefined until a revocation is requested. */
  readonly reason: RevocationReason | undefined;
  /** Why it is revoked, as a sentence. */
  readonly cause: string | undefined;
  /** Why the CA has not revoked it yet. */
  readonly problem: Reason | undefined;
}

export interface RevocationRequest {
  readonly fingerprint: string;
  readonly reason: RevocationReason;
  readonly cause: string;
  /** Do not wait until a successor is served. */
  readonly now: boolean;
}
