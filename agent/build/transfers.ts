import { TRANSFER_RETRY_MS } from '../../shared/domain/build.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

export interface TransfersDeps {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Aborted when the build ends: no transfer is tried again after that. */
  readonly signal: AbortSignal;
  /** Tells the pusher. */
  readonly warn: (sentence: string) => void;
}

const BACKOFF: BackoffPolicy = { firstMs: 500, maxMs: 5000, factor: 2 };

/** Of a proxy or a controller that starts again. No other answer gets better within the time of a build. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** The transfers of one build between builder and controller. A short outage delays them and does not fail the build. */
export class Transfers {
  readonly #deps: TransfersDeps;
  #warnedUntilMs = -Infinity;

  constructor(deps: TransfersDeps) {
    this.#deps = deps;
  }

  /** @param transfer can be run again after it failed @throws the transfer's last error, or the reason of the signal */
  async retry<T>(transfer: () => Promise<T>): Promise<T> {
    const { clock, random, signal } = this.#deps;
    let endMs: number | undefined;
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        return await transfer();
      } catch (error) {
        signal.throwIfAborted();
        const nowMs = clock.monotonicMs();
        endMs ??= nowMs + TRANSFER_RETRY_MS;
        const delayMs = retryDelayMs(error, { attempt, leftMs: endMs - nowMs, random: random() });
        if (delayMs === undefined) throw error;
        if (attempt === 0) this.#warn(nowMs);
        await clock.sleep(delayMs, signal).catch(() => undefined); // the next turn throws the signal's reason
      }
    }
  }

  /** Layers travel side by side: one outage is one line. */
  #warn(nowMs: number): void {
    if (nowMs < this.#warnedUntilMs) return;
    this.#warnedUntilMs = nowMs + TRANSFER_RETRY_MS;
    this.#deps.warn(
      `The connection to the controller was lost; retrying for up to ${String(TRANSFER_RETRY_MS / 1000)} s.`,
    );
  }
}

/**
 * How long to wait before a transfer is tried again; undefined: it has failed.
 * @param state `leftMs`: of the time for tries, which begins with the first failure
 */
export function retryDelayMs(
  error: unknown,
  { attempt, leftMs, random }: { readonly attempt: number; readonly leftMs: number; readonly random: number },
): number | undefined {
  if (!(error instanceof SlipwayError) || !PASSING_STATUSES.has(error.httpStatus)) return undefined;
  const delayMs = backoffDelayMs(BACKOFF, attempt, random);
  return error.code !== 'SLIP_DISK_FULL' && delayMs <= leftMs ? delayMs : undefined;
}
