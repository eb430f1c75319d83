import type { NameHttpsBody } from '../../shared/api/https.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Cli } from '../cli.ts';
import type { ApiClient } from '../client.ts';
import { sayStep } from '../name-https.ts';
import { pauseBeforePoll } from '../poll.ts';

/** A CA needs seconds. After this time, the user is told how to look again. */
const WAIT_MAX_MS = 10 * 60_000;

/**
 * Shows each step, until every connected node serves the name.
 * @throws the reason why the order waits or is blocked, and SLIP_CLI_HTTPS_SLOW
 */
export async function waitForHttps(
  cli: Cli,
  api: ApiClient,
  { first, say }: { readonly first: NameHttpsBody; readonly say: (text: string) => Promise<void> },
): Promise<NameHttpsBody> {
  const { hostname } = first;
  const untilMs = cli.nowMs() + WAIT_MAX_MS;
  let now = first;
  for (let shown: string | undefined; ;) {
    if (isDone(now)) return now;
    if (isStuck(now)) throw asError(now);
    const step = sayStep(now);
    if (step !== undefined && step !== shown) await say(step);
    shown = step;
    await pauseBeforePoll(cli);
    if (cli.signal.aborted) return now;
    if (cli.nowMs() > untilMs) throw tooSlow(hostname);
    now = await api.call('readDomainHttps', { params: { hostname } });
  }
}

/** Nothing is ordered for a name that is off. */
function isDone({ state }: NameHttpsBody): boolean {
  return ['serving', 'uploaded', 'off', 'unknown'].includes(state);
}

/** A step that waits only for a moment is not shown as an end. */
function isStuck({ state, problem }: NameHttpsBody): boolean {
  return problem !== undefined && (state === 'waiting' || state === 'blocked');
}

function asError({ hostname, problem, state, nextAtMs }: NameHttpsBody): SlipwayError {
  const at = nextAtMs === undefined ? '' : ` The controller tries again at ${new Date(nextAtMs).toISOString()}.`;
  return new SlipwayError({
    code: problem?.code ?? 'SLIP_CLI_HTTPS_SLOW',
    message: `The domain was added, but ${hostname} has no certificate yet: ${problem?.message ?? state}${at}`,
    hint: problem?.next ?? `slipway why ${hostname}`,
  });
}

function tooSlow(hostname: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_HTTPS_SLOW',
    message: `The domain was added. Its certificate is not there after ten minutes, and the controller goes on.`,
    hint: `See what it waits for with: slipway why ${hostname}`,
  });
}
