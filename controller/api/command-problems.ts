import type { ProblemBody } from '../../shared/api/schema.ts';
import { outputCommand } from '../../shared/domain/output-command.ts';
import { saysFailed } from '../observe/why/why-commands.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { FailedScript } from '../observe/why/facts.ts';

export interface FailedCommandFacts {
  /** Of the app. */
  readonly name: string;
  /** The newest runs of cron entries, where they failed. */
  readonly failedCron: readonly Pick<CommandRow, 'process' | 'failure'>[];
  /** Scripts of app.json that failed after the current release was live. */
  readonly failedScripts: readonly FailedScript[];
}

/** Pure: the scripts of app.json that failed after the current release was live. */
export function scriptProblems({ name, failedScripts }: FailedCommandFacts): readonly ProblemBody[] {
  return failedScripts.map((script) => ({
    message: `${name}: ${saysFailed(script)}`,
    next: outputCommand(name, { ...script, kind: 'release' }),
  }));
}

/** Pure: the last runs of cron entries, where they failed. */
export function cronProblems({ name, failedCron }: FailedCommandFacts): readonly ProblemBody[] {
  return failedCron.map(({ process, failure }) => ({
    message: `${name}: ${failure?.message ?? `${process} failed.`}`,
    next: `slipway cron:output ${process} -a ${name}`,
  }));
}
