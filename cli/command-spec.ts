import type { CommandRun } from './cli.ts';

/** A command as help, parsing and suggestions need it. Its code is loaded only when it runs. */
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
  /** The command works on one app and has --app and --remote. */
  readonly app?: boolean;
  /** The command has --json. */
  readonly json?: boolean;
  /** Words after the first argument belong to another program, also those that begin with a dash. */
  readonly passesFlags?: boolean;
  readonly load: () => Promise<CommandRun>;
}

export const PAGE_LIMIT_OPTION: readonly [string, string] = [
  '-n, --num <number>',
  'number of entries, newest first (default 15)',
];
