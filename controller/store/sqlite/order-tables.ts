import type { Generated } from 'kysely';

/** Tables of certificates from an ACME CA, as Kysely sees them. */
export interface OrderTables {
  certificateOrders: CertificateOrderTableRow;
  acmeAccounts: { directoryUrl: string; url: string | null; keyText: string; keyId: string };
  acmeUses: { kind: string; key: string; atMs: number };
  /** One row at most. */
  tlsSettings: { id: number; settings: string; secretText: string | null; secretKeyId: string | null };
  certsAuto: { appId: string; enabled: number };
  httpsRedirects: { appId: string; enabled: number };
  canonicalNames: { appId: string; hostname: string };
  hstsPolicies: { appId: string; maxAgeS: number; includeSubdomains: number; preload: number };
}

interface CertificateOrderTableRow {
  id: string;
  hostname: string;
  state: string;
  sinceMs: number;
  dueAtMs: number;
  resume: string | null;
  failures: Generated<number>;
  directoryUrl: string | null;
  orderUrl: string | null;
  replaces: string | null;
  /** JSON. */
  problem: string | null;
  /** JSON. */
  certificate: string | null;
  /** Encrypted, see `keyId`. */
  keyText: string | null;
  keyId: string | null;
}
