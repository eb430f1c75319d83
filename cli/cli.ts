import type { Run } from '../shared/kit/exec.ts';
import type { ApiClient } from './client.ts';
import type { ControlsShown } from './terminal/escape.ts';
import type { Look } from './terminal/look.ts';
import type { Paint } from './terminal/paint.ts';

/** Values of a command's flags by their long name in camel case. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** What a command gets: the terminal, the controller, the folder it stands in. */
export interface Cli {
  /** To stdout, as it is. Waits while the reader is slow. */
  readonly write: (text: string) => Promise<void>;
  /** To stderr: notes that must not get into a pipe. */
  readonly note: (text: string) => void;
  /** True on a terminal that shows colours, unless the user wants none. */
  readonly colour: boolean;
  readonly paint: Paint;
  /** stdout is a terminal. */
  readonly interactive: boolean;
  /** Its size now. */
  readonly screen: () => { readonly columns: number; readonly rows: number };
  readonly nowMs: () => number;
  readonly configPath: string;
  readonly api: () => Promise<ApiClient>;
  /** The app meant: flag, SLIPWAY_APP, or the git remote of this folder. @throws SLIP_CLI_APP */
  readonly app: (flags: Flags) => Promise<string>;
  readonly run: Run;
  readonly cwd: string;
  /** Environment of the programs we start (git, a browser). */
  readonly env: Readonly<Record<string, string>>;
  /** Standard input as it comes. */
  readonly stdin: () => AsyncIterable<unknown>;
  /** Whole of stdin, or one hidden line from a terminal. */
  readonly readSecret: (prompt: string) => Promise<string>;
  /** One line from a terminal; undefined where there is none. */
  readonly readLine: (prompt: string) => Promise<string | undefined>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export type CommandRun = (cli: Cli, args: readonly string[], flags: Flags) => Promise<void>;

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** Prints the body for `--json`, else what `render` makes of it. */
export async function show<T>(
  cli: Cli,
  flags: Flags,
  { body, render }: { body: T; render: (body: T) => string },
): Promise<void> {
  await cli.write(flags['json'] === true ? `${JSON.stringify(body, undefined, 2)}\n` : render(body));
}

export function look(cli: Cli): Look {
  return { paint: cli.paint, nowMs: cli.nowMs() };
}

export function controlsShown(cli: Cli, flags: Flags): ControlsShown {
  if (flags['raw'] === true) return 'all';
  return cli.colour ? 'colours' : 'none';
}
