import type { Store } from '../store/port.ts';

/** Events after which somebody may do less than before. A new way to take access away adds its event here. */
const LOSSES: ReadonlySet<string> = new Set(['token.revoked', 'key.removed']);

/** Rejects with the reason when the access policy would refuse the caller now. */
type Check = () => Promise<unknown>;

/**
 * What is open for people for a long time: streams of the API, and SSH connections. Each was admitted once, at its start. When a token or a key
 * is taken away, each is checked again, and those without a right end.
 */
export class OpenAccesses {
  readonly #open = new Map<AbortController, Check>();
  #isDue = false;
  #isChecking = false;

  constructor(store: Pick<Store, 'onEvents'>) {
    store.onEvents((kinds) => {
      if (!LOSSES.isDisjointFrom(kinds)) void this.#checkAll();
    });
  }

  /**
   * Aborts, with the reason, when the caller may not have this any more. The first check is made at once, because the right may be lost since the
   * admission. `over` aborts when the stream or connection has ended.
   */
  watch(check: Check, over: AbortSignal): AbortSignal {
    const access = new AbortController();
    if (over.aborted) return access.signal;
    this.#open.set(access, check);
    over.addEventListener('abort', () => this.#open.delete(access), { once: true });
    void this.#check(access, check);
    return access.signal;
  }

  /** Losses during a round start one more round, however many they are. */
  async #checkAll(): Promise<void> {
    this.#isDue = true;
    if (this.#isChecking) return;
    this.#isChecking = true;
    while (this.#isDue) {
      this.#isDue = false;
      for (const [access, check] of [...this.#open]) await this.#check(access, check);
    }
    this.#isChecking = false;
  }

  async #check(access: AbortController, check: Check): Promise<void> {
    const reason = await check().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (reason !== undefined && this.#open.delete(access)) access.abort(reason);
  }
}
