import type { ConfigVars } from '../kit/sensitive.ts';
import type { Limits } from './assignment.ts';
import type { AppId, TaskId } from './ids.ts';
import type { Exit } from './instance.ts';
import type { AppName } from './names.ts';
import type { Layer } from './slug.ts';

/** Commands that run once in a fresh sandbox: of the release phase, of a user, of a schedule. */
export const COMMAND_KINDS = ['release', 'run', 'cron'] as const;
export type CommandKind = (typeof COMMAND_KINDS)[number];

/** A command, as the controller hands it to an agent. The agent runs each task id at most once. */
export interface CommandTask {
  readonly kind: CommandKind;
  readonly taskId: TaskId;
  readonly appId: AppId;
  readonly app: AppName;
  /** First host uid of the app's range of 65536. */
  readonly uidBase: number;
  /** Release version whose slug and config it uses. */
  readonly release: number;
  /** Its name in logs and in `ps`: `run.4821`, `release.12`. It becomes DYNO. */
  readonly process: string;
  /** For `bash -c` inside the sandbox. */
  readonly command: string;
  readonly layers: readonly Layer[];
  readonly stack: string;
  readonly commit: string;
  readonly config: ConfigVars;
  /** Variables of this command only. They replace config variables. */
  readonly env: ConfigVars;
  readonly limits: Limits;
  /** From its start. Then it gets SIGTERM. */
  readonly timeoutMs: number;
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** True: it waits for a user, whose stream (shared/attach) carries its input and output. */
  readonly attached?: boolean | undefined;
  /** Output beyond this goes to the log of the app only. */
  readonly outputLimitBytes: number;
}

export interface CommandResult {
  readonly exit: Exit;
  /** From the start of its process. */
  readonly durationMs: number;
  /** Why the agent ended it; absent: it ended by itself. */
  readonly endedBy?: 'timeout' | 'cancel' | undefined;
}
