import type { Generated } from 'kysely';

/** Tables of certificates until they end, as Kysely sees them. */
export interface IssuedTables {
  issuedCertificates: {
    fingerprint: string;
    certificateId: string;
    hostname: string;
    directoryUrl: string;
    chain: string;
    notAfterMs: number;
    state: string;
    reason: Generated<string | null>;
    cause: Generated<string | null>;
    sinceMs: number;
    dueAtMs: number;
    failures: Generated<number>;
    /** JSON. */
    problem: Generated<string | null>;
  };
  certificateHolders: { nodeId: string; fingerprint: string };
  exposedKeys: { hash: string; cause: string; atMs: number };
}
