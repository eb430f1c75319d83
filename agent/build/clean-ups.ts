import type { AppId } from '../../shared/domain/ids.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';

const RETRY_AFTER_MS = 60_000;

interface CleanUp {
  readonly work: () => Promise<void>;
  /** Absent for a leftover of an earlier agent, which may belong to any app. */
  readonly appId: AppId | undefined;
  readonly triedAtMs: number;
}

/** Clean-ups in the background. The node reports a failed clean-up until a later try succeeds. It does not stop the start of instances. */
export class CleanUps {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #running = new Map<Promise<void>, { readonly name: string; readonly appId: AppId | undefined }>();
  readonly #failed = new Map<string, CleanUp>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param name the same for each try @returns when this try has ended, also if it failed */
  start(name: string, work: () => Promise<void>, appId?: AppId): Promise<void> {
    const done = this.#try(name, work, appId);
    this.#running.set(done, { name, appId });
    void done.finally(() => this.#running.delete(done));
    return done;
  }

  /** Names of the clean-ups that are not done and that belong to this app, or may belong to it. */
  pendingOf(appId: AppId): readonly string[] {
    const failed = [...this.#failed].map(([name, cleanUp]) => ({ name, appId: cleanUp.appId }));
    const mine = [...this.#running.values(), ...failed].filter(
      (each) => each.appId === undefined || each.appId === appId,
    );
    return [...new Set(mine.map(({ name }) => name))].sort();
  }

  /** Repeats the failed clean-ups of {@link pendingOf}, and waits for those that run. */
  async retryOf(appId: AppId): Promise<void> {
    for (const [name, cleanUp] of this.#failed) {
      const isRunning = [...this.#running.values()].some((each) => each.name === name);
      if (!isRunning && (cleanUp.appId === undefined || cleanUp.appId === appId))
        void this.start(name, cleanUp.work, cleanUp.appId);
    }
    const mine = [...this.#running].filter(([, each]) => each.appId === undefined || each.appId === appId);
    await Promise.all(mine.map(([done]) => done));
  }

  /** Repeats failed clean-ups after a pause. @throws SLIP_BUILD_LEFTOVERS while there is a failed clean-up */
  check(): void {
    const nowMs = this.#clock.monotonicMs();
    const [first] = this.#failed.keys();
    const count = this.#failed.size;
    for (const [name, cleanUp] of this.#failed) {
      if (nowMs - cleanUp.triedAtMs < RETRY_AFTER_MS) continue;
      this.#failed.set(name, { ...cleanUp, triedAtMs: nowMs });
      void this.start(name, cleanUp.work, cleanUp.appId);
    }
    if (first !== undefined) throw leftovers(first, count);
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.keys());
  }

  async #try(name: string, work: () => Promise<void>, appId: AppId | undefined): Promise<void> {
    try {
      await work();
      this.#failed.delete(name);
    } catch (error) {
      this.#failed.set(name, { work, appId, triedAtMs: this.#clock.monotonicMs() });
      this.#log.warn({ name, err: error }, 'build.leftovers_not_removed');
    }
  }
}

function leftovers(first: string, count: number): SlipwayError {
  const more = count > 1 ? ` and ${String(count - 1)} more` : '';
  return new SlipwayError({
    code: 'SLIP_BUILD_LEFTOVERS',
    kind: 'transient',
    message: `The agent cannot remove the files that builds left on this node: ${first}${more}.`,
    hint: 'The agent tries again every minute. If the error remains, see the reason in its log (journalctl -u slipway-agent) and remove the folder by hand.',
  });
}
