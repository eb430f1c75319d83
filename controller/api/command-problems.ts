import type { ProblemBody } from '../../shared/api/schema.ts';
import { outputCommand } from '../../shared/domain/output-command.ts';
import { saysFailed } from '../observe/why/why-commands.ts';
import type { AppFacts } from './status.ts';

/** Pure: the scripts of app.json that failed after the current release was live. */
export function scriptProblems({
  name,
  failedScripts,
}: Pick<AppFacts, 'name' | 'failedScripts'>): readonly ProblemBody[] {
  return failedScripts.map((script) => ({
    message: `${name}: ${saysFailed(script)}`,
    next: outputCommand(name, { ...script, kind: 'release' }),
  }));
}

/** Pure: the last runs of cron entries, where they failed. */
export function cronProblems({ name, failedCron }: Pick<AppFacts, 'name' | 'failedCron'>): readonly ProblemBody[] {
  return failedCron.map(({ process, failure }) => ({
    message: `${name}: ${failure?.message ?? `${process} failed.`}`,
    next: `slipway cron:output ${process} -a ${name}`,
  }));
}
