import type { ConfigVars } from '../kit/sensitive.ts';
import type { HealthCheck } from './health-check.ts';
import type { AppId, InstanceId } from './ids.ts';
import type { AppName, ProcessType } from './names.ts';
import type { Layer } from './slug.ts';

/** Resources that one sandbox may use. */
export interface Limits {
  readonly memoryBytes: number;
  readonly pidsMax: number;
  /** Thousandths of a processor. 0: no limit, but only a fair share while other sandboxes need the processors. */
  readonly cpuMillis: number;
  /** Writable bytes of /app (ephemeral). */
  readonly diskBytes: number;
  readonly diskInodes: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  memoryBytes: 512 * 1024 * 1024,
  pidsMax: 256,
  cpuMillis: 0,
  diskBytes: 1024 * 1024 * 1024,
  diskInodes: 100_000,
});

/** Build sandboxes compile and download, so they get more memory and disk. */
export const DEFAULT_BUILD_LIMITS: Limits = Object.freeze({
  memoryBytes: 2 * 1024 * 1024 * 1024,
  pidsMax: 1024,
  cpuMillis: 0,
  diskBytes: 4 * 1024 * 1024 * 1024,
  diskInodes: 500_000,
});

/**
 * The desired state of one instance.
 *  run      keep it running; a web instance gets traffic after its gate has passed
 *  standby  keep it running without traffic (bake time: it can take the traffic back at once)
 *  stop     no new traffic, drain, SIGTERM, SIGKILL, remove
 */
export type DesiredInstanceState = 'run' | 'standby' | 'stop';

/** One instance on one node. It is complete, so the agent can run it while the controller is down. */
export interface Assignment {
  readonly instanceId: InstanceId;
  readonly appId: AppId;
  readonly app: AppName;
  /** First host uid of the app's range of 65536; the same on every node. */
  readonly uidBase: number;
  /** Release version, e.g. 12 for v12. */
  readonly release: number;
  readonly processType: ProcessType;
  /** 1 for `web.1`. */
  readonly ordinal: number;
  readonly command: string;
  readonly layers: readonly Layer[];
  readonly stack: string;
  readonly config: ConfigVars;
  readonly limits: Limits;
  readonly desired: DesiredInstanceState;
  /** Git commit of the slug, for SLUG_COMMIT-like variables. */
  readonly commit: string;
  /** The health checks of its process type. Absent: none. */
  readonly checks?: readonly HealthCheck[] | undefined;
}

/** A host name of an app's web instances. */
export interface Route {
  readonly hostname: string;
  readonly appId: AppId;
  readonly app: AppName;
}

/** One run of the controller. The counter grows at each start; the id distinguishes copies of the database. */
export interface Epoch {
  readonly counter: number;
  readonly id: string;
}

/** An instance whose release is too large to be sent. The agent keeps the release that it knows and applies this desired state. */
export type WithheldInstance = Pick<Assignment, 'instanceId' | 'desired'>;

/** An app that was destroyed, and of which the node may hold data. */
export type DestroyedApp = Pick<Assignment, 'appId' | 'uidBase'>;

/** The whole desired state of one node. */
export interface DesiredState {
  readonly epoch: Epoch;
  /** Grows with every change of this node's state. The database of the controller stores it. */
  readonly generation: number;
  readonly assignments: readonly Assignment[];
  readonly routes: readonly Route[];
  /** The operation that stops many instances at once without replacement; empty otherwise. */
  readonly massStopReason: string;
  /** Instances of the state that are not among the assignments; absent: none. */
  readonly withheld?: readonly WithheldInstance[] | undefined;
  /** Apps whose data the node removes. The list gets shorter with each answer, without a new generation. */
  readonly destroyed?: readonly DestroyedApp[] | undefined;
}

/** The name of an instance for people: `web.1`. */
export function instanceName(instance: Pick<Assignment, 'processType' | 'ordinal'>): string {
  return `${instance.processType}.${String(instance.ordinal)}`;
}

/** Only the process type named exactly `web` gets traffic and PORT (Heroku). */
export function isRouted(instance: Pick<Assignment, 'processType'>): boolean {
  return instance.processType === 'web';
}
