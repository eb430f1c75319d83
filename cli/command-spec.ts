import type { CommandRun } from './cli.ts';

/** One command: all that help, parsing and suggestions need, without loading its code. */
export interface CommandSpec {
  readonly name: string;
  /** Other names that people type, Heroku's for example. */
  readonly aliases?: readonly string[];
  /** In commander's notation, e.g. `[name]`, `<name...>`. */
  readonly args?: string;
  readonly group: 'Apps' | 'Deploys' | 'Config' | 'Fleet' | 'Account';
  readonly summary: string;
  readonly example: string;
  readonly options?: readonly (readonly [flags: string, summary: string])[];
  /** Works on one app: has --app and --remote. */
  readonly app?: boolean;
  /** Answers with a body that --json can show. */
  readonly json?: boolean;
  readonly load: () => Promise<CommandRun>;
}

/** For commands that list what an app has had. */
export const PAGE_LIMIT_OPTION: readonly [string, string] = [
  '-n, --num <number>',
  'how many, newest first (default 15)',
];
