import type { EgressTable } from '../../shared/domain/egress.ts';
import type { Listener, Sandbox, SandboxSpec } from './port.ts';
import type { SandboxRecord } from './record.ts';
import type { Supervised } from './supervisor/port.ts';
import type { SandboxTool } from './tool.ts';

/** Removes one sandbox. */
export type RemoveSandbox = (id: string) => Promise<void>;

/** The part of a sandbox that differs between drivers. SupervisedSandbox has the life cycle, which they share. */
export interface SandboxDriver {
  readonly kind: Exclude<Sandbox['kind'], 'fake'>;
  /** The program that isolates the process. Absent: the supervisor starts the process directly. */
  readonly tool?: Pick<SandboxTool, 'kind' | 'program'> | undefined;
  /** Absent: the driver does not restrict the network. */
  readonly setEgress?: (table: EgressTable) => Promise<void>;
  /** Makes the shared parts of all sandboxes. @param wasSwept false until {@link sweep} has succeeded once */
  ensureHost(wasSwept: boolean): Promise<void>;
  /**
   * Removes sandboxes that an earlier agent left half-made or that a reboot ended.
   * @returns the ids whose removal failed and must be tried again
   */
  sweep(remove: RemoveSandbox): Promise<readonly string[]>;
  /** Repairs shared parts that another program changed or removed. Called after each {@link ensureHost} and sweep. */
  repairHost(): Promise<void>;
  /** Makes everything except the process. Writes the record last. */
  prepare(spec: SandboxSpec): Promise<{ readonly address: string; readonly port: number | undefined }>;
  /** What the supervisor needs in order to find and limit the processes. */
  supervision(record: SandboxRecord): Pick<Supervised, 'processes' | 'oomFile' | 'joinDirs' | 'oomScoreAdjust'>;
  /** Processes of the sandbox, without its supervisor. */
  pids(id: string): Promise<readonly number[]>;
  /** Sends SIGTERM. @returns false when no process could receive it yet */
  terminate(id: string): Promise<boolean>;
  /**
   * Makes a process inside run attach.pl, which connects to the socket `attach` of the layout.
   * @returns false when no process of the sandbox can do it
   */
  callAttach(id: string): Promise<boolean>;
  /** Host user and group of the process that connects. Absent: our own. */
  attachOwner(record: SandboxRecord): number | undefined;
  /** Sends SIGKILL to all processes. */
  kill(id: string): Promise<void>;
  /** Ends a sandbox and removes everything except its log. Idempotent. */
  remove(id: string): Promise<void>;
  /** The folder with the files that the processes wrote. */
  upperDir(id: string): string;
  limitedCommand(id: string, argv: readonly string[]): Promise<readonly string[]>;
  listeners(id: string): Promise<readonly Listener[]>;
  /** Ids of sandboxes that left something outside of the folders of records, logs and exits. */
  otherTraces(): Promise<readonly string[]>;
  /** Stops background work, before all sandboxes are removed. */
  stop(): void;
  /** Removes the shared parts, after the last sandbox. */
  removeHost(): Promise<void>;
}
