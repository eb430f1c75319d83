import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Store } from '../store/port.ts';

/** The time that a client has to read why its stream or connection ends. Then it is cut off. */
export const LAST_WORDS_MS = 2_000;

/** Events after which somebody may do less than before. A new way to take access away adds its event here. */
const LOSSES: ReadonlySet<string> = new Set(['token.revoked', 'key.removed']);

/** The policy refuses: the caller is not known, may not do this, or the app is not there for the caller. */
const REFUSED: readonly number[] = [401, 403, 404];
const RETRY: BackoffPolicy = Object.freeze({ firstMs: 250, maxMs: 10_000, factor: 2 });

/** Rejects with the reason when the access policy would refuse the caller now. Any other failure says nothing about the right. */
type Check = () => Promise<unknown>;

interface Access {
  readonly check: Check;
  readonly over: AbortSignal;
}

interface OpenAccessesDeps {
  readonly store: Pick<Store, 'onEvents'>;
  readonly clock: Clock;
}

/**
 * What is open for people for a long time: streams of the API, and SSH connections. Each was admitted once, at its start. When a token or a key
 * is taken away, each is checked again, and those without a right end.
 */
export class OpenAccesses {
  readonly #clock: Clock;
  readonly #open = new Map<AbortController, Access>();
  /** Their last check failed, so they wait for the next one. */
  readonly #waiting = new Set<AbortController>();
  #isDue = false;
  #isChecking = false;

  constructor({ store, clock }: OpenAccessesDeps) {
    this.#clock = clock;
    store.onEvents((kinds) => {
      if (!LOSSES.isDisjointFrom(kinds)) void this.#checkAll();
    });
  }

  /**
   * Aborts, with the reason, when the caller may not have this any more. The first check is made at once, because the right may be lost since the
   * admission. `over` aborts when the stream or connection has ended.
   */
  watch(check: Check, over: AbortSignal): AbortSignal {
    const controller = new AbortController();
    if (over.aborted) return controller.signal;
    this.#open.set(controller, { check, over });
    over.addEventListener('abort', () => this.#open.delete(controller), { once: true });
    void this.#check(controller);
    return controller.signal;
  }

  /** Losses during a round start one more round, however many they are. */
  async #checkAll(): Promise<void> {
    this.#isDue = true;
    if (this.#isChecking) return;
    this.#isChecking = true;
    while (this.#isDue) {
      this.#isDue = false;
      for (const controller of [...this.#open.keys()]) await this.#check(controller);
    }
    this.#isChecking = false;
  }

  async #check(controller: AbortController, tries = 0): Promise<void> {
    if (await this.#isKnown(controller)) return;
    const access = this.#open.get(controller);
    if (access === undefined || this.#waiting.has(controller)) return;
    this.#waiting.add(controller);
    void this.#checkLater(controller, access, tries);
  }

  /** Never rejects. */
  async #checkLater(controller: AbortController, { over }: Access, tries: number): Promise<void> {
    await this.#clock.sleep(backoffDelayMs(RETRY, tries, 1), over).catch(() => undefined);
    this.#waiting.delete(controller);
    await this.#check(controller, tries + 1);
  }

  /** Checks once, and ends the access if it is refused. @returns false if the check failed, for example because the database was busy */
  async #isKnown(controller: AbortController): Promise<boolean> {
    const access = this.#open.get(controller);
    if (access === undefined) return true;
    const error = await access.check().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) return true;
    if (!(error instanceof SlipwayError && REFUSED.includes(error.httpStatus))) return false;
    if (this.#open.delete(controller)) controller.abort(error);
    return true;
  }
}
