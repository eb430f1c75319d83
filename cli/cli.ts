import type { Run } from '../shared/kit/exec.ts';
import type { ApiClient } from './client.ts';
import type { Console } from './terminal/console.ts';
import type { ControlsShown } from './terminal/escape.ts';
import type { RenderContext } from './terminal/render-context.ts';
import type { Paint } from './terminal/paint.ts';

/** The values of a command's flags, by long name in camel case. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** What a command may use: the terminal, the controller and the current folder. */
export interface Cli {
  /** Writes to stdout, and waits for a slow reader. */
  readonly write: (text: string) => Promise<void>;
  /** Writes to stderr, so that the note does not get into a pipe. */
  readonly note: (text: string) => void;
  /** True on a terminal that shows colours, unless the user wants none. */
  readonly colour: boolean;
  readonly paint: Paint;
  /** Whether stdout is a terminal. */
  readonly interactive: boolean;
  /** The current size of the terminal. */
  readonly screen: () => { readonly columns: number; readonly rows: number };
  readonly nowMs: () => number;
  readonly configPath: string;
  readonly api: () => Promise<ApiClient>;
  /** The app from the flag, SLIPWAY_APP, or the git remote of this folder. @throws SLIP_CLI_USAGE */
  readonly app: (flags: Flags) => Promise<string>;
  readonly run: Run;
  readonly cwd: string;
  /** The environment of the programs that a command starts, such as git. */
  readonly env: Readonly<Record<string, string>>;
  /** The stream of standard input. */
  readonly stdin: () => AsyncIterable<unknown>;
  /** The standard streams, for commands that pass bytes on. */
  readonly console: () => Console;
  /** The exit code of this program, when the command succeeds. */
  readonly setExitCode: (code: number) => void;
  /** Reads all of stdin, or one hidden line from a terminal. */
  readonly readSecret: (prompt: string) => Promise<string>;
  /** Reads one line from a terminal. Undefined without a terminal. */
  readonly readLine: (prompt: string) => Promise<string | undefined>;
  /** Opens a file in the user's editor, and waits until the editor ends. @throws SLIP_CLI_EDITOR */
  readonly openEditor: (path: string) => Promise<void>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export type CommandRun = (cli: Cli, args: readonly string[], flags: Flags) => Promise<void>;

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** Prints the body as JSON with `--json`, and otherwise the result of `render`. */
export async function show<T>(
  cli: Cli,
  flags: Flags,
  { body, render }: { body: T; render: (body: T) => string },
): Promise<void> {
  await cli.write(flags['json'] === true ? `${JSON.stringify(body, undefined, 2)}\n` : render(body));
}

export function renderContext(cli: Cli): RenderContext {
  return { paint: cli.paint, nowMs: cli.nowMs() };
}

export function controlsShown(cli: Cli, flags: Flags): ControlsShown {
  if (flags['raw'] === true) return 'all';
  return cli.colour ? 'colours' : 'none';
}
