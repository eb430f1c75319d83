import type { AppId, CertificateId } from '../../shared/domain/ids.ts';
import type { Sensitive } from '../../shared/kit/sensitive.ts';

/** `acme`: ordered by the controller. */
export const CERTIFICATE_KINDS = ['uploaded', 'acme'] as const;
type CertificateKind = (typeof CERTIFICATE_KINDS)[number];

/** A certificate for the clients of apps. Its chain and key are read apart from it. */
export interface Certificate {
  readonly id: CertificateId;
  /** The app whose names it serves; absent: it serves the names of every app. */
  readonly appId?: AppId | undefined;
  readonly kind: CertificateKind;
  /** Sorted, lower case. `*.example.com` matches names with one more label. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate (DER), hexadecimal, lower case. */
  readonly fingerprint: string;
  /** For people; absent: not known. */
  readonly issuer?: string | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** When the id was made. */
  readonly createdAtMs: number;
  /** When this certificate was stored: later than `createdAtMs` after a renewal. */
  readonly storedAtMs: number;
  /** When every connected node served it for the first time. It stays the same when the certificate is renewed. */
  readonly servedAtMs?: number | undefined;
  /** Why its key is not secret any more. */
  readonly exposed?: string | undefined;
}

/** True when a tenth of its life or less is left, or nothing. */
export function endsSoon({ notBeforeMs, notAfterMs }: Certificate, nowMs: number): boolean {
  return notAfterMs - nowMs <= (notAfterMs - notBeforeMs) / 10;
}

/** A certificate with everything that a node needs. An existing id is replaced. */
export interface NewCertificate extends Omit<Certificate, 'createdAtMs' | 'storedAtMs' | 'servedAtMs' | 'exposed'> {
  /** The certificate, then its intermediates. */
  readonly chainPem: string;
  readonly keyPem: Sensitive;
}

export interface CertificateFiles {
  readonly fingerprint: string;
  readonly chainPem: string;
  readonly keyPem: Sensitive;
}
