import type { Action } from '../access/policy.ts';
import type { Authority } from '../access/ca/authority.ts';
import type { ConnectionLimits } from '../access/connection-limiter.ts';
import type { BuilderPool } from '../build/builder-pool.ts';
import type { ImageStore, TaskSources } from '../build/port.ts';
import type { Programs } from '../install/programs.ts';
import type { Upgrades } from '../install/upgrades.ts';
import type { Fleet } from '../dispatch/port.ts';
import type { Destroys } from '../release/destroys.ts';
import type { Formations } from '../formation/formations.ts';
import type { Releases } from '../release/releases.ts';
import type { Movement } from '../movement/port.ts';
import type { Store } from '../store/port.ts';
import type { BuildId, Digest, NodeId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { EndSessions, NodeConnections } from './node-connections.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';

export interface ApiConfig {
  /** Address to bind, e.g. `0.0.0.0`. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** host:port under which agents reach the session door; given to them when they join. */
  readonly grpcAddress: string;
  readonly version: string;
  /** Name or address under which machines reach this controller. */
  readonly publicHost: string;
  /** Where install.sh lies. */
  readonly productDir: string;
  readonly defaultStack: string;
  /** Apps answer under `<app>.<baseDomain>`. */
  readonly baseDomain: string;
  /** Where people see an app, e.g. `http://hello.localhost:8080`. */
  readonly webUrl: (app: AppName) => string;
  /** Where they push it, e.g. `ssh://git@host:2222/hello.git`. */
  readonly gitUrl: (app: AppName) => string;
  /** How long the body of a question may take to arrive; uploads have longer. Default 20 s. */
  readonly bodyTimeoutMs?: number | undefined;
  readonly connectionLimits?: Partial<ConnectionLimits> | undefined;
  /** Compares each answer with its schema and fails the request on a difference. For tests: it costs time. */
  readonly checksAnswers?: boolean | undefined;
}

export interface ApiDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly images: ImageStore;
  readonly taskSources: TaskSources;
  readonly builderPool: BuilderPool;
  readonly authority: Authority;
  readonly programs: Programs;
  readonly upgrades: Pick<Upgrades, 'start' | 'status'>;
  /** Assigned to the node, or made by it. */
  readonly mayReadImage: (node: NodeId, digest: Digest) => Promise<boolean>;
  /** True only while the node holds a task. */
  readonly mayWriteImage: (node: NodeId, digest: Digest) => Promise<boolean>;
  readonly endSessions: EndSessions;
  readonly connections: NodeConnections;
  readonly movement: Movement;
  readonly releases: Pick<Releases, 'setConfig'>;
  readonly formations: Pick<Formations, 'busy' | 'describe' | 'scale' | 'setLimits' | 'setPlacement' | 'restart'>;
  readonly destroys: Pick<Destroys, 'destroy'>;
  /** Output of a build; with `follow` until it ends. Undefined when there is none. */
  readonly buildLog: (
    id: BuildId,
    follow: boolean,
    signal: AbortSignal,
  ) => Promise<AsyncIterable<Uint8Array> | undefined>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a look at the fleet is made of. */
export type LookDeps = Pick<ApiDeps, 'store' | 'fleet' | 'movement' | 'formations' | 'builderPool' | 'clock'>;

/** What a route declares about who may call it. */
export interface RouteAccess {
  readonly auth: 'anonymous' | 'user' | 'admin' | 'node';
  readonly action: Action;
}
