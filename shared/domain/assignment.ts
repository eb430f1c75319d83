import type { ConfigVars } from '../kit/sensitive.ts';
import type { AppId, InstanceId } from './ids.ts';
import type { AppName, ProcessType } from './names.ts';
import type { Layer } from './slug.ts';

/** What one sandbox may use. */
export interface Limits {
  readonly memoryBytes: number;
  readonly pidsMax: number;
  /** Thousandths of a processor. 0: no ceiling, and no more than its fair share where others want theirs. */
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

/** Build sandboxes compile and download, so they get more. */
export const DEFAULT_BUILD_LIMITS: Limits = Object.freeze({
  memoryBytes: 2 * 1024 * 1024 * 1024,
  pidsMax: 1024,
  cpuMillis: 0,
  diskBytes: 4 * 1024 * 1024 * 1024,
  diskInodes: 500_000,
});

/**
 * What the controller wants of one instance.
 *  run      keep it alive; a web instance gets traffic once its gate has passed
 *  standby  keep it alive without traffic (bake time: it can take the traffic back at once)
 *  stop     no new traffic, drain, SIGTERM, SIGKILL, forget
 */
export type DesiredInstanceState = 'run' | 'standby' | 'stop';

/** One instance on one node, complete: the agent needs nothing else to run it with the controller gone. */
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
}

/** Host names that lead to an app's web instances. */
export interface Route {
  readonly hostname: string;
  readonly appId: AppId;
  readonly app: AppName;
}

/** Who speaks: a controller's life. Counter grows at each start; the id tells copies apart. */
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
  /** Grows with every change of this node's state; durable in the controller's database. */
  readonly generation: number;
  readonly assignments: readonly Assignment[];
  readonly routes: readonly Route[];
  /** Names the operation that stops many instances at once without replacement; empty otherwise. */
  readonly massStopReason: string;
  /** Instances that belong to the state and are not among the assignments; absent: none. */
  readonly withheld?: readonly WithheldInstance[] | undefined;
  /** Apps of which the node removes everything. Not part of what a generation means: the list gets shorter with each answer. */
  readonly destroyed?: readonly DestroyedApp[] | undefined;
}

/** `web.1`: what people call an instance. */
export function instanceName(of: Pick<Assignment, 'processType' | 'ordinal'>): string {
  return `${of.processType}.${String(of.ordinal)}`;
}

/** Only the process type named exactly `web` gets traffic and PORT (Heroku). */
export function isRouted(of: Pick<Assignment, 'processType'>): boolean {
  return of.processType === 'web';
}
