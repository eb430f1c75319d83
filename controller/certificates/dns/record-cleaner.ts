import type { Clock } from '../../../shared/kit/clock.ts';
import type { Failpoint } from '../../../shared/kit/failpoint.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import type { ChallengeRecord } from '../../domain/dns-providers.ts';
import type { Store } from '../../store/port.ts';
import { DueLoop } from '../due-loop.ts';
import type { DnsChallenges } from './dns-challenges.ts';

export interface RecordCleanerDeps {
  readonly store: Pick<Store, 'staleRecords' | 'postponeRecord' | 'removeChallengeRecord'>;
  readonly dns: Pick<DnsChallenges, 'cleanup'>;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly log: Logger;
}

const MINUTE_MS = 60_000;
const FAILURE_DELAYS_MS = [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS, 24 * 60 * MINUTE_MS];

/** Removes the TXT records that no order needs any more. All its state is in the store, so no restart forgets a record. */
export class RecordCleaner {
  readonly #deps: RecordCleanerDeps;
  readonly #loop: DueLoop;

  constructor(deps: RecordCleanerDeps) {
    this.#deps = deps;
    this.#loop = new DueLoop({
      clock: deps.clock,
      look: (signal) => this.#look(signal),
      onFailure: (err) => deps.log.error({ err }, 'challenge_record.look_failed'),
    });
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#loop.run(signal);
  }

  /** An order ended or moved on: look at once. */
  changed(): void {
    this.#loop.changed();
  }

  /** @returns ms until the next look */
  async #look(signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#deps;
    const { due, nextMs } = await store.staleRecords(clock.nowMs());
    for (const record of due) {
      if (signal.aborted) return 0;
      await this.#remove(record, signal);
    }
    return Math.max(0, (nextMs ?? Infinity) - clock.nowMs());
  }

  async #remove(record: ChallengeRecord, signal: AbortSignal): Promise<void> {
    const { store, dns, clock, failpoint, log } = this.#deps;
    const { provider, name, failures } = record;
    try {
      await dns.cleanup(record);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ provider, name, failures, err: error }, 'challenge_record.not_removed');
      const delayMs = FAILURE_DELAYS_MS[Math.min(failures, FAILURE_DELAYS_MS.length - 1)] ?? MINUTE_MS;
      await store.postponeRecord(record, clock.nowMs() + delayMs);
      return;
    }
    await failpoint('challengeRecord.removed');
    await store.removeChallengeRecord(record);
  }
}
