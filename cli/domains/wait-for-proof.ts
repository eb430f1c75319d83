import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Cli } from '../cli.ts';
import { pauseBeforePoll } from '../poll.ts';
import { renderError } from '../terminal/error.ts';

/** A new record is seen within minutes. Afterwards the user runs the command again. */
const WAIT_MAX_MS = 10 * 60_000;
/** Seconds between two looks at DNS. */
const PAUSES = 5;
const WAITING = 'Waiting up to ten minutes for the record. Ctrl-C ends the wait.\n';

/**
 * Adds a domain. While no DNS record proves it, says which record to add, and tries again. `say` shows this to people.
 * @returns undefined: the user ended the wait @throws SLIP_DOMAIN_PROOF after ten minutes, and every other refusal at once
 */
export async function waitForProof<T>(
  cli: Cli,
  { add, say }: { readonly add: () => Promise<T>; readonly say: (text: string) => void },
): Promise<T | undefined> {
  const untilMs = cli.nowMs() + WAIT_MAX_MS;
  for (let isSaid = false; ;) {
    try {
      return await add();
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== 'SLIP_DOMAIN_PROOF' || cli.nowMs() > untilMs) throw error;
      if (!isSaid) say(`${renderError(error, cli.paint)}${WAITING}`);
      isSaid = true;
    }
    for (let pause = 0; pause < PAUSES && !cli.signal.aborted; pause += 1) await pauseBeforePoll(cli);
    if (cli.signal.aborted) return undefined;
  }
}
