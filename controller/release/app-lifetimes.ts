import type { AppId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** A piece of work for one app. */
export interface AppWork {
  /** Aborts with the signal of the caller, and when the app is destroyed. */
  readonly signal: AbortSignal;
  /** May be called more than once. */
  readonly leave: () => void;
}

interface UnderWay {
  readonly controllers: Set<AbortController>;
  readonly idle: Set<() => void>;
}

/** How many destroyed apps are remembered. Work that began before the destroy checks here before it continues. App ids are never reused. */
const REMEMBERED = 10_000;

/** Ends the running work for an app that is being destroyed, and refuses new work. */
export class AppLifetimes {
  readonly #underWay = new Map<AppId, UnderWay>();
  readonly #ended = new Map<AppId, SlipwayError>();

  /** @throws SLIP_APP_DESTROYED */
  check(appId: string): void {
    const reason = this.#ended.get(appId as AppId);
    if (reason !== undefined) throw reason;
  }

  /** @throws SLIP_APP_DESTROYED */
  join(appId: AppId, outer: AbortSignal): AppWork {
    this.check(appId);
    const end = new AbortController();
    const app = this.#underWay.get(appId) ?? { controllers: new Set(), idle: new Set() };
    this.#underWay.set(appId, app);
    app.controllers.add(end);
    return { signal: AbortSignal.any([outer, end.signal]), leave: () => this.#leave(appId, app, end) };
  }

  /** @throws SLIP_APP_DESTROYED */
  async during<T>(appId: AppId, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal, leave } = this.join(appId, outer);
    try {
      return await work(signal);
    } finally {
      leave();
    }
  }

  end(appId: AppId, reason: SlipwayError): void {
    this.#ended.set(appId, reason);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
    for (const each of this.#underWay.get(appId)?.controllers ?? []) each.abort(reason);
  }

  /** The app was not destroyed after all. */
  undo(appId: AppId): void {
    this.#ended.delete(appId);
  }

  /** Resolves when no work for the app is running. */
  async idle(appId: AppId): Promise<void> {
    const app = this.#underWay.get(appId);
    if (app !== undefined) await new Promise<void>((resolve) => app.idle.add(resolve));
  }

  #leave(appId: AppId, app: UnderWay, end: AbortController): void {
    if (!app.controllers.delete(end) || app.controllers.size > 0) return;
    this.#underWay.delete(appId);
    for (const resolve of app.idle) resolve();
  }
}

export function appDestroyed(name: AppName | string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_DESTROYED',
    kind: 'conflict',
    message: `App ${name} was destroyed.`,
    hint: 'A new push to that name creates a new app without the data of the old one: git push slipway main',
  });
}
