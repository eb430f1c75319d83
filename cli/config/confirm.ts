import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Cli, Flags } from '../cli.ts';
import { usageError } from '../usage-error.ts';

/** Asks before a change, unless `--yes` is given. @throws SLIP_CLI_USAGE without a terminal, SLIP_CLI_DECLINED */
export async function confirmChange(cli: Cli, flags: Flags, question: string): Promise<void> {
  if (flags['yes'] === true) return;
  const answer = await cli.readLine(`${question} [y/N] `);
  if (answer === undefined)
    throw usageError('Without a terminal nobody can confirm the change.', 'Run the command again with --yes');
  if (/^y(es)?$/i.test(answer)) return;
  throw new SlipwayError({ code: 'SLIP_CLI_DECLINED', message: 'Nothing was changed.' });
}

export function countVars(count: number): string {
  return `${String(count)} config var${count === 1 ? '' : 's'}`;
}
