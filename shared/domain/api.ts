import type { CrashLoop } from './crash-loop.ts';
import type { Exit, InstanceState, Reason } from './instance.ts';
import type { Formation } from './placement.ts';
import type { BuildState, NodeState, ReleaseState } from './states.ts';
import type { UnreadableRequests } from './unreadable-requests.ts';

// The JSON bodies of the controller's HTTP API, as both sides see them. Times are wall clock, ms since the epoch.

/** Header of an answer with one part of a list. Its value is the `after` of the next part. Absent: this part is the last. */
export const NEXT_PAGE_HEADER = 'slipway-next';

export interface ErrorBody {
  /** `SLIP_<AREA>_<NAME>` */
  readonly error: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface JoinBody {
  readonly nodeId: string;
  readonly nodeName: string;
  /** PEM */
  readonly certificate: string;
  /** PEM of the fleet's CA. */
  readonly ca: string;
  /** host:port of the session door. */
  readonly grpcAddress: string;
}

export interface UserBody {
  readonly name: string;
  readonly admin: boolean;
  readonly createdAtMs: number;
}

/** Answer to the creation of a user; the token is shown this once. */
export interface NewUserBody extends UserBody {
  readonly token: string;
}

export interface KeyBody {
  readonly fingerprint: string;
  readonly comment: string;
  readonly publicKey: string;
  readonly createdAtMs: number;
}

export interface AppBody {
  readonly name: string;
  readonly owner: string;
  readonly stack: string;
  readonly createdAtMs: number;
  readonly webUrl: string;
  readonly gitUrl: string;
}

export interface AppInfoBody extends AppBody {
  /** The current release; absent before the first deploy. */
  readonly release?: ReleaseBody | undefined;
  readonly formation: Formation;
  readonly slugSizeBytes?: number | undefined;
  /** Of the current release. */
  readonly buildpacks: readonly string[];
  /** The folder of the repository that the next push builds; absent: all of it. */
  readonly root?: string | undefined;
}

export interface ReleaseBody {
  readonly version: number;
  readonly state: ReleaseState;
  readonly description: string;
  readonly user: string;
  readonly commit: string;
  readonly createdAtMs: number;
  readonly failure?: Reason | undefined;
}

export interface BuildBody {
  readonly id: string;
  readonly state: BuildState;
  readonly commit: string;
  readonly user: string;
  readonly createdAtMs: number;
  readonly finishedAtMs?: number | undefined;
  readonly failure?: Reason | undefined;
  readonly timingsMs: Readonly<Record<string, number>>;
}

export interface InstanceBody {
  /** `web.1` */
  readonly name: string;
  readonly type: string;
  readonly release: number;
  readonly node: string;
  readonly command: string;
  /** `unknown` while its node is not connected. */
  readonly state: InstanceState | 'unknown';
  readonly desired: 'run' | 'standby' | 'stop';
  readonly startedAtMs?: number | undefined;
  readonly restarts: number;
  readonly lastExit?: Exit | undefined;
  readonly reason?: Reason | undefined;
  /** Wall clock of the next start while in back-off. */
  readonly nextStartAtMs?: number | undefined;
  /** Present after several crashes in the last time, also while the instance starts or is up. */
  readonly crashLoop?: CrashLoop | undefined;
}

export interface ConfigBody {
  readonly config: Readonly<Record<string, string>>;
}

/** Answer to a change of config vars. */
export interface ConfigChangedBody extends ConfigBody {
  /** The release the change made; absent before the first deploy, and when there was nothing to change. */
  readonly version?: number | undefined;
  /** The names whose values are others now; absent from controllers that do not say. */
  readonly changed?: readonly string[] | undefined;
}

/** One line of the log stream (NDJSON). An empty line keeps the connection alive. */
export interface LogLineBody {
  readonly atMs: number;
  readonly source: 'app' | 'slipway';
  readonly process: string;
  readonly message: string;
}

export interface NodeBody {
  readonly name: string;
  readonly state: NodeState;
  readonly connected: boolean;
  /** How long ago it was last heard; absent when not since the controller started. */
  readonly lastSeenMsAgo?: number | undefined;
  readonly builder?: boolean | undefined;
  readonly platform?: string | undefined;
  readonly sandboxDriver?: string | undefined;
  readonly agentVersion?: string | undefined;
  /** It is connected, and its agent's version does not go with the controller's. */
  readonly versionTrouble?: ProblemBody | undefined;
  readonly proxyVersion?: string | undefined;
  /** Absent when its agent does not say. */
  readonly unreadableRequests?: UnreadableRequests | undefined;
  /** It is connected and does not do what this controller wants. */
  readonly refusal?: Reason | undefined;
  readonly memoryBytes?: number | undefined;
  /** Of its last heartbeat: what programs could still use. */
  readonly memoryFreeBytes?: number | undefined;
  /** Live ones, of all apps. */
  readonly instances?: number | undefined;
  /** `debian-12` */
  readonly os?: string | undefined;
  readonly kernel?: string | undefined;
  readonly arch?: string | undefined;
  readonly cpus?: number | undefined;
  /** Of the file system under the agent's state. */
  readonly diskBytes?: number | undefined;
  readonly diskFreeBytes?: number | undefined;
  readonly load1?: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Gets no new instances; `draining`: those it has are moved away; `lost`: they are replaced elsewhere until it is back. */
  readonly cordoned?: boolean | undefined;
  readonly draining?: boolean | undefined;
  readonly lost?: boolean | undefined;
  readonly joinedAtMs: number;
  readonly missing: readonly string[];
  /** Why its agent cannot put its machine right or, while it is not connected, could not start. */
  readonly trouble?: Reason | undefined;
}

export interface JoinTokenBody {
  readonly token: string;
  readonly expiresAtMs: number;
  readonly pin: string;
  /** The line to paste on the machine, token included. */
  readonly install: string;
}

/** Something that needs attention, with the command that leads on. */
export interface ProblemBody {
  readonly message: string;
  readonly next: string;
}

export interface AppStatusBody {
  readonly name: string;
  readonly release?: number | undefined;
  /** Instances that passed their gate, of those wanted. */
  readonly live: number;
  readonly desired: number;
  readonly nodes: readonly string[];
  readonly lastDeployAtMs?: number | undefined;
  readonly webUrl: string;
}

export interface StatusBody {
  readonly controller: { readonly version: string; readonly uptimeMs: number };
  readonly problems: readonly ProblemBody[];
  readonly nodes: readonly NodeBody[];
  /** By name. When there are too many, only the first ones. */
  readonly apps: readonly AppStatusBody[];
  /** Apps and problems that are not shown, because there are too many; absent: none. */
  readonly moreApps?: number | undefined;
  readonly moreProblems?: number | undefined;
}
