import type { Duplex } from 'node:stream';
import type { Limits } from '../../shared/domain/assignment.ts';
import type { EgressTable } from '../../shared/domain/egress.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { Exit } from '../../shared/domain/instance.ts';

/** What runs in a sandbox: an instance of an app, a command of an app, or a build. All are isolated by the same policy. */
type SandboxPurpose = 'app' | 'command' | 'build';

/** One sandbox. */
export interface SandboxSpec {
  /** Instance or task id: never reused, [a-z0-9]{8,26}. It names the folder and the cgroup. */
  readonly id: string;
  readonly purpose: SandboxPurpose;
  readonly app: AppName;
  /** First host uid of the app's range of 65536; the process runs as uid 1000 inside, uidBase + 1000 outside. */
  readonly uidBase: number;
  readonly hostname: string;
  /** Root file system, read-only: a stack's folder, or the synthesised skeleton of stack `host`. */
  readonly stack: string;
  /** Mounted layer folders on this machine, bottom first, already owned for this app. May be empty (build). */
  readonly lowerDirs: readonly string[];
  /** Layers that other apps use too, such as a language runtime. A driver without mounts need not copy them. */
  readonly sharedLowerDirs?: ReadonlySet<string> | undefined;
  /** Extra read-only binds: folder or file on this machine → absolute path inside. */
  readonly readOnlyBinds: Readonly<Record<string, string>>;
  /** Extra writable folders, owned by the app's uid: folder on this machine → absolute path inside (build cache). */
  readonly writableBinds: Readonly<Record<string, string>>;
  /** Program and arguments, run as the app user in /app. */
  readonly argv: readonly string[];
  /** The complete environment. It is secret: a file that only the app can read delivers it, never argv or a unit. */
  readonly env: Readonly<Record<string, string>>;
  /** TCP port the app is expected to bind; it becomes PORT. Absent for processes without one. */
  readonly port?: number | undefined;
  readonly limits: Limits;
  /** True: it may connect to the internet. The host, other apps, private networks (except allowed ones) and metadata services stay closed. */
  readonly egress: boolean;
  /** Bytes of output to keep. The oldest are deleted first. */
  readonly logBytesMax: number;
  /** Builds only: receives stdout and stderr, which then go to no log. Such a sandbox ends with the agent. */
  readonly onOutput?: ((chunk: Uint8Array) => void) | undefined;
}

export type SandboxPhase = 'prepared' | 'running' | 'exited';

export interface SandboxStatus {
  readonly id: string;
  readonly purpose: SandboxPurpose;
  readonly app: AppName;
  /** First host uid of the app's range. */
  readonly uidBase: number;
  readonly phase: SandboxPhase;
  /** The address that the proxy of this machine uses, e.g. `10.203.0.7`; `127.0.0.1` for `process`. */
  readonly address: string;
  /** The PORT of the app. With `process` it differs per instance. */
  readonly port?: number | undefined;
  readonly startedAtMs?: number | undefined;
  /** Set once the phase is `exited` and no process of the sandbox is left. */
  readonly exit?: Exit | undefined;
}

/**
 * Runs processes that are isolated from each other. Every operation is idempotent.
 * A sandbox survives the agent: `list` and `inspect` find it again by its files.
 * Errors are SlipwayErrors with codes SLIP_SANDBOX_*.
 */
export interface Sandbox {
  readonly kind: 'lxc' | 'nspawn' | 'process' | 'fake';
  /** Makes or repairs the shared parts: bridge, nft table, cgroups, skeleton. Called at start and in every reconcile round. */
  ensureHost(): Promise<void>;
  /**
   * Sets the private networks that apps may reach. It applies to new connections, also of running sandboxes. Before the first `ensureHost`
   * the table is only stored. Absent: the driver does not restrict the network.
   */
  setEgress?(table: EgressTable): Promise<void>;
  /** Makes files, mounts and network: everything except the process. It replaces an incomplete sandbox with the same id. */
  prepare(spec: SandboxSpec): Promise<SandboxStatus>;
  /** Starts the process under a supervisor that survives the agent. Resolves when the process has started. */
  start(id: string): Promise<SandboxStatus>;
  /** `undefined` when there is no such sandbox. */
  inspect(id: string): Promise<SandboxStatus | undefined>;
  /** Sends a signal: TERM to the processes of the app, KILL to all processes of the sandbox. */
  signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Kills the processes and removes everything except the log, which stays until `forget`. */
  destroy(id: string): Promise<void>;
  /** Like `destroy`, and removes the log too. */
  forget(id: string): Promise<void>;
  /** All sandboxes of this driver on this machine, including orphans. */
  list(): Promise<readonly SandboxStatus[]>;
  /** Ids of sandboxes that left anything on this machine: those of {@link list}, incomplete sandboxes, and kept logs. `forget` removes it. */
  traces(): Promise<readonly string[]>;
  /** The merged /app of a prepared sandbox. The agent can read it until `destroy`. */
  appDir(id: string): string;
  /** The upper folder of the overlay, with the files that the processes wrote. */
  upperDir(id: string): string;
  /** Folder of the rotating log: s6-log's `current` and `@…` files, timestamps as external TAI64N labels. */
  logDir(id: string): string;
  /** Calls the listener with the id when the process of a sandbox has ended. Returns a function that unsubscribes. */
  onExit(listener: (id: string) => void): () => void;
  /**
   * The command line that runs a host program within the limits of a prepared or ended sandbox. Use it for work on the files of the sandbox.
   * A driver without limits returns the command line unchanged.
   */
  limitedCommand(id: string, argv: readonly string[]): Promise<readonly string[]>;
  /**
   * Starts a process inside a running sandbox that runs one command, and opens a stream of bytes to it. The bytes are frames of
   * shared/attach/frames.ts, and the first one must be a start frame. The process ends when the stream is closed.
   * @param waits the first process of the sandbox is that process, and waits for this stream
   * @throws SLIP_ATTACH_OLD_INSTANCE, SLIP_ATTACH_TIMEOUT
   */
  attach(id: string, waits?: boolean): Promise<Duplex>;
  /** TCP sockets in state LISTEN inside the sandbox, and UDP sockets without a peer. They show whether the app listens on 127.0.0.1 only. */
  listeners(id: string): Promise<readonly Listener[]>;
}

export interface Listener {
  /** e.g. `0.0.0.0`, `127.0.0.1`, `::` */
  readonly address: string;
  readonly port: number;
  /** Absent: TCP. */
  readonly protocol?: 'udp' | undefined;
}
