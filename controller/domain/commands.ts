import type { CommandKind, CommandResult } from '../../shared/domain/command.ts';
import { SCRIPT_NAMES, type ScriptName } from '../../shared/domain/deploy-scripts.ts';
import type { AppId, NodeId, TaskId, UserId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { TaskState } from '../../shared/domain/states.ts';

export interface NewCommand {
  readonly id: TaskId;
  readonly kind: CommandKind;
  readonly appId: AppId;
  readonly nodeId: NodeId;
  /** Release version. */
  readonly release: number;
  readonly command: string;
  readonly memoryBytes: number;
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** The cron entry, or the script of app.json; part of the names `cron.report.7` and `release.predeploy.12`. */
  readonly label?: string | undefined;
  /** Undefined: no user started it. */
  readonly userId?: UserId | undefined;
}

/** A command as the database keeps it. */
export interface CommandRow extends Omit<NewCommand, 'label'> {
  readonly app: AppName;
  /** `release.12`, `release.predeploy.12`, `run.4`, `cron.report.7` */
  readonly process: string;
  readonly state: TaskState;
  readonly createdAtMs: number;
  readonly startedAtMs?: number | undefined;
  readonly finishedAtMs?: number | undefined;
  /** Why it failed or was cancelled. */
  readonly failure?: Reason | undefined;
  /** Undefined: it has not ended, or its end is unknown. */
  readonly result?: CommandResult | undefined;
  /** A user, an aborted push, or a drain asked for its end. */
  readonly cancelled: boolean;
  /** Name of the node whose drain asked for its end. */
  readonly drainedNode?: string | undefined;
  /** Output that has arrived from the agent. */
  readonly outputBytes: number;
  readonly outputLines: number;
}

/** The name of a command of a release. Only a release has commands of these names. */
export function releaseProcess(version: number, script?: ScriptName): string {
  return script === undefined ? `release.${String(version)}` : `release.${script}.${String(version)}`;
}

/** Pure: the script that a command of a release runs. Undefined: it is the release command. */
export function scriptOf({ process, release }: Pick<CommandRow, 'process' | 'release'>): ScriptName | undefined {
  return SCRIPT_NAMES.find((script) => releaseProcess(release, script) === process);
}

/** Pure: whether a release waits for this command before it starts. */
export function holdsRelease({ kind, process, release }: Pick<CommandRow, 'kind' | 'process' | 'release'>): boolean {
  return kind === 'release' && [releaseProcess(release), releaseProcess(release, 'predeploy')].includes(process);
}

/** How a command ended, as far as the controller knows. */
export type CommandEnd = { readonly result: CommandResult } | { readonly failure: Reason };

/** The first bytes of output that the database keeps of each command. */
export const COMMAND_OUTPUT_BYTES = 256 * 1024;
