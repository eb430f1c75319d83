import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError, type SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { App } from '../domain/apps.ts';
import type { Store } from '../store/port.ts';

export interface RefKeeperDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Makes the git refs follow the current release. `ref` is undefined when its code came from another app. */
  readonly moveRef: (app: App, ref: string | undefined, commit: string) => Promise<void>;
}

const RETRY: BackoffPolicy = Object.freeze({ firstMs: 500, maxMs: 30_000, factor: 2 });

/**
 * Keeps the deploy branch of each app at the commit of its current release, and removes it when that commit was not pushed. If a ref cannot be
 * written, the release still serves, and the ref follows later.
 */
export class RefKeeper {
  readonly #deps: RefKeeperDeps;
  readonly #late = new Set<App['id']>();

  constructor(deps: RefKeeperDeps) {
    this.#deps = deps;
  }

  /** Sets the ref now. If that fails, it returns the error and tries again in the background until `signal` aborts. */
  async sync(app: App, signal: AbortSignal): Promise<SlipwayError | undefined> {
    try {
      await this.#move(app);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#deps.log.error({ app: app.name, err: error }, 'ref.late');
      this.#follow(app, signal).catch(() => undefined); // the controller stops; its next start checks every ref
      return toSlipwayError(error);
    }
  }

  async #move(app: App): Promise<void> {
    const current = await this.#deps.store.currentRelease(app.id);
    if (current !== undefined) await this.#deps.moveRef(app, current.ref, current.slug.commit);
  }

  /** One loop per app. Each try reads the current release again. */
  async #follow(app: App, signal: AbortSignal): Promise<void> {
    if (this.#late.has(app.id)) return;
    this.#late.add(app.id);
    try {
      let tries = 0;
      do {
        await this.#deps.clock.sleep(backoffDelayMs(RETRY, tries, 1), signal);
        tries += 1;
      } while (!(await this.#tried(app)));
    } finally {
      this.#late.delete(app.id);
    }
  }

  async #tried(app: App): Promise<boolean> {
    try {
      await this.#move(app);
      this.#deps.log.info({ app: app.name }, 'ref.caught_up');
      return true;
    } catch (error) {
      this.#deps.log.warn({ app: app.name, err: error }, 'ref.late');
      return false;
    }
  }
}
