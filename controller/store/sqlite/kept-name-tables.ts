/** Tables of names that are kept for their last owner, as Kysely sees them. */
export interface KeptNameTables {
  keptDomains: {
    hostname: string;
    ownerId: string;
    appId: string;
    app: string;
    proof: string | null;
    untilMs: number;
  };
  keptAppNames: { name: string; ownerId: string; untilMs: number };
  /** One row. */
  domainProofKey: { id: number; secret: string };
}
