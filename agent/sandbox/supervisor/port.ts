/** One process, with everything that its supervisor must know to work without the agent. */
export interface Supervised {
  readonly id: string;
  readonly runDir: string;
  readonly exitFile: string;
  readonly logDir: string;
  readonly logBytesMax: number;
  /** How to find the sandbox's processes: a cgroup's folder, or `env:NAME=VALUE`. */
  readonly processes: string;
  /** File with a line `oom_kill N`; empty when there is none. */
  readonly oomFile: string;
  /** cgroup folders the program enters before it starts. */
  readonly joinDirs: readonly string[];
  /** Of the program and its children, for sandboxes with `joinDirs`. */
  readonly oomScoreAdjust: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Builds: the sandbox is killed when the agent ends. */
  readonly tied: boolean;
}

/** Starts supervise.sh. It survives the agent unless it is tied to it. */
export interface Supervisor {
  readonly kind: 'detached' | 'systemd';
  /** Resolves when the supervisor has been started; its pid is written to `<runDir>/pid` then or soon after. @throws SLIP_SANDBOX_START */
  start(supervised: Supervised): Promise<void>;
  /** Removes what a supervisor of this id left, such as a failed unit. */
  forget(id: string): Promise<void>;
}

/** s6-log keeps `current` and four old files. */
const LOG_FILES = 5;
const SMALLEST_LOG_FILE_BYTES = 4096;

/** Arguments of supervise.sh. Pure. */
export function superviseArgs(supervised: Supervised): string[] {
  const { processes, oomFile, joinDirs, oomScoreAdjust, runDir, exitFile, logDir, logBytesMax, argv } = supervised;
  const fileBytes = Math.max(SMALLEST_LOG_FILE_BYTES, Math.floor(logBytesMax / LOG_FILES));
  const mode = supervised.tied ? 'pipe' : 'log';
  const group = [processes, oomFile, joinDirs.join(' '), String(oomScoreAdjust)];
  return [mode, runDir, exitFile, logDir, String(fileBytes), ...group, ...argv];
}
