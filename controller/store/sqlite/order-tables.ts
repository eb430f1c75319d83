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
  dnsProviders: DnsProviderTableRow;
  challengeRecords: ChallengeRecordTableRow;
}

interface CertificateOrderTableRow {
  id: string;
  hostname: string;
  /** Null: the order of the wildcard for the base domain. */
  domain: string | null;
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

interface DnsProviderTableRow {
  name: string;
  kind: string;
  zone: string;
  recordZone: string;
  /** JSON. */
  settings: string;
  /** Encrypted, see `secretKeyId`. */
  secretText: string | null;
  secretKeyId: string | null;
  createdAtMs: number;
}

interface ChallengeRecordTableRow {
  orderId: string;
  provider: string;
  name: string;
  value: string;
  dueAtMs: number;
  failures: Generated<number>;
}
