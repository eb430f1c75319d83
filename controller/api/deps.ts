import type { ConfigKeys } from '../secrets/config-keys.ts';
import type { Action } from '../access/policy.ts';
import type { Authority } from '../access/ca/authority.ts';
import type { ConnectionLimits } from '../access/connection-limiter.ts';
import type { BuilderPool } from '../build/builder-pool.ts';
import type { ImageStore, TaskSources } from '../build/port.ts';
import type { UnusedImages } from '../build/unused-images.ts';
import type { AutomaticCertificates } from '../certificates/orders/automatic-certificates.ts';
import type { DnsProviders } from '../certificates/dns/dns-providers.ts';
import type { CronRuns } from '../cron/cron-runs.ts';
import type { Programs } from '../install/programs.ts';
import type { Upgrades } from '../install/upgrades.ts';
import type { Fleet } from '../dispatch/port.ts';
import type { Builds } from '../build/run-build.ts';
import type { DeployAborts } from '../release/deploy-aborts.ts';
import type { Destroys } from '../release/destroys.ts';
import type { HistoryCleaner } from '../release/history-cleaner.ts';
import type { Rollbacks } from '../release/rollbacks.ts';
import type { Formations } from '../formation/formations.ts';
import type { OneOffs } from '../one-off/one-offs.ts';
import type { CheckChanges } from '../release/check-changes.ts';
import type { ArchiveDeploys } from '../push/archive/archive-deploys.ts';
import type { Promotions } from '../release/promotions.ts';
import type { Releases } from '../release/releases.ts';
import type { OpenAttachments } from '../observe/open-attachments.ts';
import type { DomainOwnership } from '../ownership/domain-ownership.ts';
import type { Movement } from '../movement/port.ts';
import type { Store } from '../store/port.ts';
import type { BuildId, Digest, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { EndSessions, NodeConnections } from './node-connections.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';

export interface ApiConfig {
  /** Address to bind, e.g. `0.0.0.0`. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** host:port for agent sessions. Nodes get it when they join. */
  readonly grpcAddress: string;
  readonly version: string;
  /** Name or address of this controller for other machines. */
  readonly publicHost: string;
  /** Folder of install.sh. */
  readonly productDir: string;
  readonly defaultStack: string;
  /** The domain of an app is `<app>.<baseDomain>`. */
  readonly baseDomain: string;
  /** Web address of an app, e.g. `http://hello.localhost:8080`. */
  readonly webUrl: (app: AppName) => string;
  /** Git address of an app, e.g. `ssh://git@host:2222/hello.git`. */
  readonly gitUrl: (app: AppName) => string;
  /** A request body must arrive within this time; uploads have more. Default: 20 s. */
  readonly bodyTimeoutMs?: number | undefined;
  readonly connectionLimits?: Partial<ConnectionLimits> | undefined;
  /** Compares each answer with its schema and fails the request on a difference. For tests: it costs time. */
  readonly checksAnswers?: boolean | undefined;
}

export interface ApiDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly images: ImageStore;
  readonly unusedImages: Pick<UnusedImages, 'note' | 'find' | 'remove'>;
  readonly taskSources: TaskSources;
  readonly builderPool: BuilderPool;
  readonly authority: Authority;
  readonly configKeys: Pick<ConfigKeys, 'rotate'>;
  readonly programs: Programs;
  readonly upgrades: Pick<Upgrades, 'start' | 'status'>;
  /** True for an image that is assigned to the node, or that the node built. */
  readonly mayReadImage: (node: NodeId, digest: Digest) => Promise<boolean>;
  /** True only while the node holds a task. */
  readonly mayWriteImage: (node: NodeId, digest: Digest) => Promise<boolean>;
  readonly endSessions: EndSessions;
  readonly connections: NodeConnections;
  readonly movement: Movement;
  readonly attachments: Pick<OpenAttachments, 'add' | 'list'>;
  readonly releases: Pick<Releases, 'setConfig'>;
  /** Asks a node to run health checks once. False: the node is not connected. */
  readonly runChecks: (node: NodeId, instanceIds: readonly InstanceId[], run: number) => boolean;
  readonly checkChanges: Pick<CheckChanges, 'set' | 'unset' | 'disable'>;
  readonly archives: Pick<ArchiveDeploys, 'store' | 'deploy'>;
  readonly promotions: Pick<Promotions, 'promote'>;
  readonly rollbacks: Pick<Rollbacks, 'rollBack'>;
  readonly history: Pick<HistoryCleaner, 'grown'>;
  readonly formations: Pick<
    Formations,
    'busy' | 'describe' | 'scale' | 'setLimits' | 'setPlacement' | 'restart' | 'stop' | 'start'
  >;
  readonly oneOffs: Pick<OneOffs, 'start' | 'stop'>;
  readonly cronRuns: Pick<CronRuns, 'start' | 'onProgress'>;
  readonly automaticCertificates: Pick<
    AutomaticCertificates,
    'orderMissing' | 'end' | 'check' | 'warning' | 'applySettings' | 'termsUrl' | 'revocationsChanged'
  >;
  readonly domainOwnership: Pick<DomainOwnership, 'claim'>;
  readonly dnsProviders: Pick<DnsProviders, 'add' | 'remove'>;
  readonly destroys: Pick<Destroys, 'destroy'>;
  readonly aborts: Pick<DeployAborts, 'abort' | 'isRunning'>;
  readonly builds: Pick<Builds, 'cancel'>;
  /** Output of a build; with `follow` until the build ends. Undefined if no output is stored. */
  readonly buildLog: (
    id: BuildId,
    follow: boolean,
    signal: AbortSignal,
  ) => Promise<AsyncIterable<Uint8Array> | undefined>;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly log: Logger;
}

/** What a look at the fleet is made of. */
export type LookDeps = Pick<
  ApiDeps,
  'store' | 'fleet' | 'movement' | 'formations' | 'builderPool' | 'attachments' | 'clock'
>;

/** Who may call a route. */
export interface RouteAccess {
  readonly auth: 'anonymous' | 'user' | 'admin' | 'node';
  readonly action: Action;
}
