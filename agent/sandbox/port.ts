import type { Limits } from '../../shared/domain/assignment.ts';
import type { EgressTable } from '../../shared/domain/egress.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { Exit } from '../../shared/domain/instance.ts';

/** What runs in a sandbox: an app's instance, or a build task. One policy for both; a build gets no less confinement. */
export interface SandboxSpec {
  /** Instance or task id: unique for ever, [a-z0-9]{8,26}. Names the folder, the cgroup, the network namespace. */
  readonly id: string;
  readonly purpose: 'app' | 'build';
  readonly app: AppName;
  /** First host uid of the app's range of 65536; the process runs as uid 1000 inside, uidBase + 1000 outside. */
  readonly uidBase: number;
  readonly hostname: string;
  /** Root file system, read-only: a stack's folder, or the synthesised skeleton of stack `host`. */
  readonly stack: string;
  /** Mounted layer folders on this machine, bottom first, already owned for this app. May be empty (build). */
  readonly lowerDirs: readonly string[];
  /** Those of them that other apps use as well, a language's runtime: a driver without mounts need not copy them. */
  readonly sharedLowerDirs?: ReadonlySet<string> | undefined;
  /** Extra read-only binds: folder or file on this machine → absolute path inside. */
  readonly readOnlyBinds: Readonly<Record<string, string>>;
  /** Extra writable folders, owned by the app's uid: folder on this machine → absolute path inside (build cache). */
  readonly writableBinds: Readonly<Record<string, string>>;
  /** Program and arguments, run as the app user in /app. */
  readonly argv: readonly string[];
  /** Complete environment. Secret: delivered by a file only the app can read, never in argv or a unit. */
  readonly env: Readonly<Record<string, string>>;
  /** TCP port the app is expected to bind; it becomes PORT. Absent for processes without one. */
  readonly port?: number | undefined;
  readonly limits: Limits;
  /** May it open connections to the world? Never to the host, other apps, private ranges (but see config) or metadata. */
  readonly egress: boolean;
  /** Bytes of output kept, oldest dropped first. */
  readonly logBytesMax: number;
  /** Builds only: raw stdout and stderr go here instead of to a log. The sandbox then ends with the agent. */
  readonly onOutput?: ((chunk: Uint8Array) => void) | undefined;
}

export type SandboxPhase = 'prepared' | 'running' | 'exited';

export interface SandboxStatus {
  readonly id: string;
  readonly purpose: 'app' | 'build';
  readonly app: AppName;
  /** First host uid of the app's range. */
  readonly uidBase: number;
  readonly phase: SandboxPhase;
  /** Where the app's port is reached from this machine's proxy, e.g. `10.203.0.7`. `127.0.0.1` for `process`. */
  readonly address: string;
  /** The port the app was told (PORT). With `process` it differs per instance. */
  readonly port?: number | undefined;
  readonly startedAtMs?: number | undefined;
  /** Set once the phase is `exited` and no process of the sandbox is left. */
  readonly exit?: Exit | undefined;
}

/**
 * A driver that runs processes apart from each other. Every verb is idempotent; "already so" is no error.
 * A sandbox survives the agent's death: `list` and `inspect` find it again from the disk alone.
 * Errors are SlipwayErrors with codes SLIP_SANDBOX_*.
 */
export interface Sandbox {
  readonly kind: 'lxc' | 'nspawn' | 'process' | 'fake';
  /** Makes what all sandboxes share (bridge, nft table, cgroups, skeleton) be there; called at start and by every reconcile round. */
  ensureHost(): Promise<void>;
  /**
   * Which private networks the apps may reach, from now on: new connections of sandboxes that run, too. Before the first `ensureHost` it is
   * only kept. Absent: the driver closes no network.
   */
  setEgress?(table: EgressTable): Promise<void>;
  /** Files, mounts, network: everything short of the process. Replaces a half-made one of the same id. */
  prepare(spec: SandboxSpec): Promise<SandboxStatus>;
  /** Starts the process under a supervisor that is not the agent. Resolves when it has been started. */
  start(id: string): Promise<SandboxStatus>;
  /** `undefined` when there is no such sandbox. */
  inspect(id: string): Promise<SandboxStatus | undefined>;
  /** To every process of the sandbox (TERM: to the app's processes; KILL: the whole cgroup at once). */
  signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Kills what runs and removes every trace but the log folder's last content (kept until `forget`). */
  destroy(id: string): Promise<void>;
  /** Removes the kept log too. */
  forget(id: string): Promise<void>;
  /** Every sandbox this driver has on this machine, orphans too. */
  list(): Promise<readonly SandboxStatus[]>;
  /** Ids of which anything is left on this machine: those of {@link list}, half-made sandboxes, and kept logs. `forget` removes all of it. */
  traces(): Promise<readonly string[]>;
  /** The merged /app of a prepared sandbox, readable from this machine until `destroy`. */
  appDir(id: string): string;
  /** The upper folder of the overlay: what the processes wrote. */
  upperDir(id: string): string;
  /** Folder of the rotating log: s6-log's `current` and `@…` files, timestamps as external TAI64N labels. */
  logDir(id: string): string;
  /** Calls back with the id whenever a sandbox's process has ended. Returns the unsubscribe function. */
  onExit(listener: (id: string) => void): () => void;
  /**
   * The command line that runs a program of this machine within the limits of a prepared or ended sandbox, for work on its files.
   * A driver without limits returns the command line unchanged.
   */
  limitedCommand(id: string, argv: readonly string[]): Promise<readonly string[]>;
  /** TCP sockets in LISTEN inside the sandbox, and UDP sockets without a peer, to say "it listens on 127.0.0.1 only". */
  listeners(id: string): Promise<readonly Listener[]>;
}

export interface Listener {
  /** e.g. `0.0.0.0`, `127.0.0.1`, `::` */
  readonly address: string;
  readonly port: number;
  /** Absent: TCP. */
  readonly protocol?: 'udp' | undefined;
}
