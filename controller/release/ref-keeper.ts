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
  /** Makes the git ref agree with the release that is current now. */
  readonly moveRef: (app: App, ref: string, commit: string) => Promise<void>;
}

const RETRY: BackoffPolicy = Object.freeze({ firstMs: 500, maxMs: 30_000, factor: 2 });

/** Keeps deploy refs where the database says. A disk without room for a ref does not undo a release that serves: the ref follows later. */
export class RefKeeper {
  readonly #deps: RefKeeperDeps;
  readonly #late = new Set<App['id']>();

  constructor(deps: RefKeeperDeps) {
    this.#deps = deps;
  }

  /** The ref follows the database now; when it cannot, again and again until `signal` ends, and what was in the way is returned. */
  async sync(app: App, signal: AbortSignal): Promise<SlipwayError | undefined> {
    try {
      await this.#move(app);
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#deps.log.error({ app: app.name, err: error }, 'ref.late');
      this.#follow(app, signal).catch(() => undefined); // the controller stops: its next start looks at every ref
      return toSlipwayError(error);
    }
  }

  async #move(app: App): Promise<void> {
    const current = await this.#deps.store.currentRelease(app.id);
    if (current?.ref !== undefined) await this.#deps.moveRef(app, current.ref, current.slug.commit);
  }

  /** One loop per app: each try reads afresh which release is current. */
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
