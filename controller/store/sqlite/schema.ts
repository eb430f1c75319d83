import type { Generated, Kysely, Transaction } from 'kysely';
import type { IssuedTables } from './issued-tables.ts';
import type { KeptNameTables } from './kept-name-tables.ts';
import type { OrderTables } from './order-tables.ts';

/** Tables as Kysely sees them (camel case here, snake case in the file). JSON columns are text. */
export interface Schema extends OrderTables, IssuedTables, KeptNameTables {
  controller: {
    id: number;
    epochCounter: number;
    epochId: string;
    nextUidRange: number;
    rebalanceBy: string | null;
    builderLabels: Generated<string>;
    limitCeilings: Generated<string>;
    edgeLabels: Generated<string>;
    /** 1 while the file may have config values in clear text. */
    clearText: Generated<number>;
  };
  users: UserRow;
  sshKeys: { fingerprint: string; userId: string; publicKey: string; comment: string; createdAtMs: number };
  apiTokens: {
    id: string;
    userId: string;
    secretHash: string;
    description: string;
    createdAtMs: number;
    expiresAtMs: number | null;
  };
  apps: {
    id: string;
    name: string;
    ownerId: string;
    uidBase: number;
    stack: string;
    createdAtMs: number;
    lostAfterMs: number | null;
    releasesKept: Generated<number | null>;
    stopped: string | null;
    lock: string | null;
    maintenance: Generated<number>;
  };
  tlsCertificates: {
    id: string;
    appId: string | null;
    kind: string;
    names: string;
    fingerprint: string;
    issuer: string | null;
    chain: string;
    /** Encrypted. */
    privateKey: string;
    keyId: string;
    notBeforeMs: number;
    notAfterMs: number;
    createdAtMs: number;
    storedAtMs: number;
    servedAtMs: Generated<number | null>;
    /** Why its key is not secret any more. */
    exposed: Generated<string | null>;
  };
  maintenancePages: { appId: string; page: string };
  formerAppNames: { name: string; appId: string; untilMs: number };
  buildSettings: {
    appId: string;
    root: string | null;
    /** Encrypted JSON. */
    buildpacks: string;
    buildpacksKeyId: string | null;
    memoryBytes: number | null;
    diskBytes: number | null;
    timeoutMs: number | null;
    cacheNumber: Generated<number>;
  };
  healthChecks: { appId: string; processType: string; checks: string };
  configVars: { appId: string; name: string; value: string; keyId: string | null };
  formations: { appId: string; processType: string; quantity: number; everyNode: Generated<number> };
  processSettings: { appId: string; processType: string; placement: string | null; limits: string | null };
  nodePromises: { nodeId: string; memoryBytes: number; leavingBytes: number };
  builds: BuildRow;
  tasks: TaskTableRow;
  commands: CommandTableRow;
  cronEntries: CronEntryTableRow;
  cronRuns: CronRunTableRow;
  releases: ReleaseRow;
  outputChunks: OutputChunkTableRow;
  dueScripts: { appId: string; version: number; script: string };
  switches: { appId: string; version: number; begun: string; report: string | null; counting: Generated<number> };
  releaseImages: { digest: string; appId: string; version: number };
  nodes: NodeTableRow;
  nodeCertificates: NodeCertificateTableRow;
  joinTokens: JoinTokenTableRow;
  assignments: AssignmentTableRow;
  events: EventTableRow;
  egress: { appId: string | null; cidr: string };
  frontProxies: { entry: string; proxyProtocol: number };
  appNodes: { appId: string; nodeId: string };
  destroyedApps: DestroyedAppTableRow;
  destroyedAppNodes: { appId: string; nodeId: string };
  domains: { hostname: string; appId: string; createdAtMs: number; proof: Generated<string | null> };
}

interface UserRow {
  id: string;
  name: string;
  admin: number;
  createdAtMs: number;
  /** JSON object of quota names and numbers. */
  quotas: Generated<string>;
}

interface DestroyedAppTableRow {
  appId: string;
  name: string;
  ownerId: string;
  uidBase: number;
  destroyedAtMs: number;
  /** When the last node confirmed that it has no data of the app; null: the range is in quarantine. */
  freeAtMs: number | null;
  /** 1 while the controller has files of the app. */
  files: number;
}

interface BuildRow {
  /** Order of creation, also where two were made in the same millisecond. */
  seq: Generated<number>;
  id: string;
  appId: string;
  userId: string;
  commitHash: string;
  state: string;
  createdAtMs: number;
  finishedAtMs: number | null;
  failure: string | null;
  timingsMs: string;
}

interface TaskTableRow {
  seq: Generated<number>;
  id: string;
  kind: string;
  appId: string;
  nodeId: string;
  buildId: string | null;
  state: string;
  createdAtMs: number;
  startedAtMs: number | null;
  finishedAtMs: number | null;
  failure: string | null;
}

interface CronEntryTableRow {
  appId: string;
  name: string;
  /** With the time zone. */
  schedule: string;
  decidedMs: number;
  suspended: number | null;
  present: Generated<number>;
}

interface CronRunTableRow {
  seq: Generated<number>;
  appId: string;
  name: string;
  tickMs: number | null;
  atMs: number;
  taskId: string | null;
  skipped: string | null;
}

interface CommandTableRow {
  taskId: string;
  appId: string;
  process: string;
  /** 0 for release commands. */
  number: number;
  release: number;
  command: string;
  memoryBytes: number;
  timeoutMs: number;
  graceMs: number;
  userId: string | null;
  cancelled: Generated<number>;
  drainedNode: Generated<string | null>;
  /** JSON of its exit; null: it has not ended, or its end is unknown. */
  result: Generated<string | null>;
  outputBytes: Generated<number>;
  outputLines: Generated<number>;
}

interface OutputChunkTableRow {
  seq: Generated<number>;
  appId: string;
  /** Null: the output belongs to a release. */
  taskId: string | null;
  version: number | null;
  bytes: number;
  /** Encrypted. */
  text: string;
  keyId: string | null;
}

interface ReleaseRow {
  appId: string;
  version: number;
  state: string;
  slug: string;
  /** Encrypted JSON, see `configKeyId`. */
  config: string;
  configKeyId: string | null;
  buildId: string | null;
  userId: string;
  description: string;
  ref: string | null;
  cause: Generated<string>;
  sourceVersion: Generated<number | null>;
  pinned: Generated<number>;
  createdAtMs: number;
  failure: string | null;
  /** The health checks that were set for the app when the release was made; null: none. */
  checks: Generated<string | null>;
}

interface NodeTableRow {
  id: string;
  name: string;
  certificateSerial: string;
  state: string;
  labels: string;
  facts: string | null;
  joinedAtMs: number;
  generation: number;
  cordoned: Generated<number>;
  drainUntilMs: number | null;
  lostAtMs: number | null;
  certificateNotAfterMs: number | null;
  revokedAtMs: number | null;
}

interface NodeCertificateTableRow {
  serial: string;
  nodeId: string;
  state: string;
  why: string | null;
  issuedAtMs: number;
  notAfterMs: number | null;
  retiredAtMs: number | null;
}

export interface JoinTokenTableRow {
  secretHash: string;
  labels: string;
  expiresAtMs: number;
  usedByNodeId: string | null;
  id: string | null;
  createdAtMs: number;
  createdBy: string;
  rejoinsNodeId: string | null;
  keyHash: string | null;
}

interface AssignmentTableRow {
  instanceId: string;
  nodeId: string;
  appId: string;
  release: number;
  processType: string;
  ordinal: number;
  limits: string;
  desired: string;
  createdAtMs: number;
  replaces: string | null;
  moveReason: string | null;
}

interface EventTableRow {
  seq: Generated<number>;
  atMs: number;
  kind: string;
  actor: string;
  appId: string | null;
  app: string | null;
  node: string | null;
  instance: string | null;
  message: string;
  next: string | null;
  details: string | null;
}

export type Tx = Transaction<Schema>;
export type StoreDatabase = Kysely<Schema>;

/**
 * Runs one transaction. Use only `tx` inside: there is one connection, so another query would wait for this transaction for ever.
 */
export type InTransaction = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
