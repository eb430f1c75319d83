import { describeCauses, SlipwayError } from '../../shared/kit/errors.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';

const RETRY_AFTER_MS = 60_000;

interface CleanUp {
  readonly work: () => Promise<void>;
  readonly triedAtMs: number;
}

/** Clean-ups in the background. A failed one is tried again later, and until then the node reports it. It never stops a start. */
export class CleanUps {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();
  readonly #failed = new Map<string, CleanUp>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param name the same for each try of the same work @returns when this try has ended, also when it failed */
  start(name: string, work: () => Promise<void>): Promise<void> {
    const done = this.#try(name, work);
    this.#running.add(done);
    void done.finally(() => this.#running.delete(done));
    return done;
  }

  /** Starts failed clean-ups again after a pause. @throws SLIP_BUILD_LEFTOVERS while one is not done */
  check(): void {
    const nowMs = this.#clock.monotonicMs();
    const [first] = this.#failed.keys();
    const count = this.#failed.size;
    for (const [name, { work, triedAtMs }] of this.#failed) {
      if (nowMs - triedAtMs < RETRY_AFTER_MS) continue;
      this.#failed.set(name, { work, triedAtMs: nowMs });
      void this.start(name, work);
    }
    if (first !== undefined) throw leftovers(first, count);
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #try(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failed.delete(name);
    } catch (error) {
      this.#failed.set(name, { work, triedAtMs: this.#clock.monotonicMs() });
      this.#log.warn({ name, cause: describeCauses(error) }, 'what a build left could not be removed; it is tried again');
    }
  }
}

function leftovers(first: string, count: number): SlipwayError {
  const more = count > 1 ? ` and ${String(count - 1)} more` : '';
  return new SlipwayError({
    code: 'SLIP_BUILD_LEFTOVERS',
    kind: 'transient',
    message: `The agent cannot remove what builds left on this node: ${first}${more}.`,
    hint: 'The agent tries again every minute. If this stays, its log says why: journalctl -u slipway-agent. Then remove the folder by hand.',
  });
}
