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
  /** Prints a warning to the build output. */
  readonly warn: (sentence: string) => void;
}

const BACKOFF: BackoffPolicy = { firstMs: 500, maxMs: 5000, factor: 2 };

/** Statuses of a restarting proxy or controller. A retry does not help after any other error. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** The transfers of one build between builder and controller. A short outage delays the build and does not fail it. */
export class Transfers {
  readonly #deps: TransfersDeps;
  #warnedUntilMs = -Infinity;

  constructor(deps: TransfersDeps) {
    this.#deps = deps;
  }

  /** @param transfer must be repeatable @throws its last error, or the reason of the signal */
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
        await clock.sleep(delayMs, signal).catch(() => undefined); // the next round throws the reason of the signal
      }
    }
  }

  /** Transfers run in parallel, so one outage prints only one warning. */
  #warn(nowMs: number): void {
    if (nowMs < this.#warnedUntilMs) return;
    this.#warnedUntilMs = nowMs + TRANSFER_RETRY_MS;
    this.#deps.warn(
      `The connection to the controller was lost; retrying for up to ${String(TRANSFER_RETRY_MS / 1000)} s.`,
    );
  }
}

/**
 * The time until the next try; undefined: the transfer has failed.
 * @param state `leftMs`: the rest of the retry time, which starts with the first failure
 */
export function retryDelayMs(
  error: unknown,
  { attempt, leftMs, random }: { readonly attempt: number; readonly leftMs: number; readonly random: number },
): number | undefined {
  if (!(error instanceof SlipwayError) || !PASSING_STATUSES.has(error.httpStatus)) return undefined;
  const delayMs = backoffDelayMs(BACKOFF, attempt, random);
  return error.code !== 'SLIP_DISK_FULL' && delayMs <= leftMs ? delayMs : undefined;
}
