import type { DesiredState, DestroyedApp } from '../../shared/domain/assignment.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Task } from '../../shared/domain/task.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { SlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { appInUse, leftovers } from './errors.ts';
import { isSameRange, namedApps, nextStep, type CleanUpStep, type Finding } from './plan.ts';
import type { NamedApp, Place } from './port.ts';

export interface DestroyedAppsDeps {
  /** They are cleaned up in this order. */
  readonly places: readonly Place[];
  /** Resolves when all removals are safe against a power cut. */
  readonly sync: () => Promise<void>;
  /** Tells the controller that nothing of these apps is left. */
  readonly acknowledge: (appIds: readonly AppId[]) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly failpoint: Failpoint;
  readonly log: Logger;
}

const RETRY: BackoffPolicy = Object.freeze({ firstMs: 1_000, maxMs: 5 * 60_000, factor: 2 });
/** A clean-up that waits longer is reported to the operator. No drain and no build takes so long. */
const SLOW_AFTER_MS = 60 * 60_000;

/** The state of the clean-up of one app. */
interface CleanUp {
  readonly app: NamedApp;
  readonly sinceMs: number;
  /** Acknowledged since the start of this agent. */
  isDone: boolean;
  /** It waits for an event. */
  waits: boolean;
  failures: number;
  retryAtMs: number;
  /** The last step, to detect a removal that changed nothing. */
  last: string;
  /** What could not be removed. */
  failure: string | undefined;
}

/**
 * Removes what destroyed apps left on this node, and tells the controller when nothing is left. Level-triggered: after each event it searches
 * the machine again. A failure is tried again later, and does not delay other apps.
 */
export class DestroyedApps {
  readonly #deps: DestroyedAppsDeps;
  readonly #cleanUps = new Map<AppId, CleanUp>();
  readonly #stopping = new AbortController();
  #inUse: readonly AppId[] = [];
  /** Something may have changed since the last round. */
  #hasNews = false;
  #sleeper = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(deps: DestroyedAppsDeps) {
    this.#deps = deps;
  }

  /**
   * Call this before anything acts on the state. Otherwise a new instance could count as a leftover.
   * @param before the state that this one replaces
   */
  setDesired(desired: DesiredState, before?: DesiredState): void {
    const { apps, inUse } = namedApps(desired);
    const named = new Set(apps.map(({ appId }) => appId));
    for (const appId of this.#cleanUps.keys()) if (!named.has(appId)) this.#cleanUps.delete(appId);
    for (const app of apps) this.#add(app, before);
    this.#inUse = inUse.map(({ appId }) => appId);
    for (const appId of this.#inUse) this.#deps.log.error({ app: appId }, 'destroyed.app_in_use');
    this.wake();
  }

  /** Call this when a build or a command starts. If its app has the user ids of a destroyed app, the clean-up of that app ends. @throws SLIP_APP_DESTROYED for a task of a destroyed app */
  taskStarts({ appId, app, uidBase }: Pick<Task, 'appId' | 'app' | 'uidBase'>): void {
    if (this.has(appId)) throw appInUse.ofTask(app);
    for (const [other, { app: named }] of this.#cleanUps)
      if (isSameRange(uidBase, named.uidBase)) this.#cleanUps.delete(other);
  }

  /** Whether the last desired state names this app as destroyed. */
  has(appId: AppId): boolean {
    return this.#cleanUps.has(appId);
  }

  /** Starts a round soon, because something may have changed. */
  wake(): void {
    this.#hasNews = true;
    this.#sleeper.abort();
  }

  start(): void {
    this.#running = this.#cleanUpUntilStopped();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#sleeper.abort();
    await this.#running;
  }

  /** @throws SLIP_DESTROYED_LEFTOVERS, SLIP_DESTROYED_IN_USE while a clean-up fails */
  check(): void {
    const error = this.#currentError();
    if (error !== undefined) throw error;
  }

  #currentError(): SlipwayError | undefined {
    const [inUse] = this.#inUse;
    if (inUse !== undefined) return appInUse.ofState(inUse);
    const nowMs = this.#deps.clock.monotonicMs();
    for (const { app, isDone, failure, last, sinceMs } of this.#cleanUps.values()) {
      const slow = nowMs - sinceMs > SLOW_AFTER_MS ? last : undefined;
      if (!isDone && (failure ?? slow) !== undefined) return leftovers(app.appId, failure ?? slow ?? '');
    }
    return undefined;
  }

  #add(named: DestroyedApp, before: DesiredState | undefined): void {
    const { clock } = this.#deps;
    const known = this.#cleanUps.get(named.appId);
    if (known?.app.uidBase === named.uidBase) {
      [known.isDone, known.retryAtMs] = [false, 0];
      return;
    }
    const fresh = { isDone: false, waits: false, failures: 0, retryAtMs: 0, last: '', failure: undefined };
    const former = before?.assignments.filter(({ appId }) => appId === named.appId) ?? [];
    const layers = new Set(former.flatMap((one) => one.layers.map(({ digest }) => digest)));
    const app = { ...named, namedAtMs: clock.nowMs(), layers };
    this.#cleanUps.set(named.appId, { app, sinceMs: clock.monotonicMs(), ...fresh });
  }

  async #cleanUpUntilStopped(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#sleeper = new AbortController();
      if (this.#hasNews) for (const cleanUp of this.#cleanUps.values()) cleanUp.waits = false;
      this.#hasNews = false;
      await this.#round();
      const waiting = [...this.#cleanUps.values()].filter(({ isDone, waits }) => !isDone && !waits);
      const untilMs = Math.min(...waiting.map(({ retryAtMs }) => retryAtMs));
      await this.#sleepUntil(untilMs);
    }
  }

  /** Never rejects. */
  async #round(): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    const due = [...this.#cleanUps.values()].filter(
      ({ isDone, waits, retryAtMs }) => !isDone && !waits && retryAtMs <= nowMs,
    );
    const steps = await this.#lookAll(due);
    for (const [cleanUp, step] of steps) await this.#take(cleanUp, step);
    await this.#acknowledge([...steps].flatMap(([cleanUp, { kind }]) => (kind === 'acknowledge' ? [cleanUp] : [])));
  }

  /** One search of a place serves all apps. */
  async #lookAll(due: readonly CleanUp[]): Promise<ReadonlyMap<CleanUp, CleanUpStep>> {
    const { places } = this.#deps;
    const findings = new Map(due.map((cleanUp): [CleanUp, Finding[]] => [cleanUp, []]));
    for (const place of places) {
      const { name, means } = place;
      const open = [...findings]
        .filter(([, found]) => nextStep(places, found).kind === 'look')
        .map(([cleanUp]) => cleanUp);
      if (open.length === 0 || this.#stopping.signal.aborted) break;
      try {
        const found = await place.look(open.map(({ app }) => app));
        for (const cleanUp of open)
          findings.get(cleanUp)?.push({ place: name, means, left: found.get(cleanUp.app.appId) ?? [] });
      } catch (error) {
        for (const cleanUp of open) this.#fail(cleanUp, `${name} (the search for it failed)`, error);
        for (const cleanUp of open) findings.delete(cleanUp);
      }
    }
    return new Map([...findings].map(([cleanUp, found]) => [cleanUp, nextStep(places, found)]));
  }

  async #take(cleanUp: CleanUp, step: CleanUpStep): Promise<void> {
    // Since the search, another app may have got its user ids.
    const isOver = this.#cleanUps.get(cleanUp.app.appId) !== cleanUp || this.#stopping.signal.aborted;
    if (isOver || step.kind === 'acknowledge' || step.kind === 'look') return;
    const what = `${step.place} ${step.left.slice(0, 3).join(', ')}`;
    const isStuck = step.kind === 'remove' && cleanUp.last === what;
    if (cleanUp.failure !== what) cleanUp.failure = undefined;
    cleanUp.last = what;
    cleanUp.waits = step.kind === 'wait';
    if (step.kind === 'again') this.#defer(cleanUp);
    try {
      if (isStuck) throw new Error('it exists again after its removal');
      await this.#end(cleanUp.app, step);
    } catch (error) {
      this.#fail(cleanUp, what, error);
    }
  }

  async #end(
    app: NamedApp,
    { kind, place, left }: Exclude<CleanUpStep, { kind: 'look' | 'acknowledge' }>,
  ): Promise<void> {
    const { places, log, failpoint } = this.#deps;
    await places.find(({ name }) => name === place)?.end?.(app, left);
    if (kind !== 'remove') return;
    log.info({ app: app.appId, place, left: left.slice(0, 20) }, 'destroyed.removed');
    await failpoint('agent.leftoverRemoved');
  }

  async #acknowledge(clean: readonly CleanUp[]): Promise<void> {
    if (clean.length === 0 || this.#stopping.signal.aborted) return;
    const { sync, acknowledge, failpoint, log } = this.#deps;
    try {
      await sync();
      await failpoint('agent.destroyedSynced');
    } catch (error) {
      for (const cleanUp of clean) this.#fail(cleanUp, 'folder', error);
      return;
    }
    const still = clean.filter((cleanUp) => this.#cleanUps.get(cleanUp.app.appId) === cleanUp);
    for (const cleanUp of still) Object.assign(cleanUp, { isDone: true, failure: undefined, failures: 0, last: '' });
    const appIds = still.map(({ app }) => app.appId);
    if (appIds.length === 0) return;
    acknowledge(appIds);
    log.info({ apps: appIds }, 'destroyed.nothing_left');
  }

  #fail(cleanUp: CleanUp, what: string, error: unknown): void {
    cleanUp.failure = what;
    cleanUp.last = '';
    cleanUp.waits = false;
    this.#defer(cleanUp);
    this.#deps.log.warn({ app: cleanUp.app.appId, what, err: error }, 'destroyed.not_removed');
  }

  #defer(cleanUp: CleanUp): void {
    cleanUp.retryAtMs = this.#deps.clock.monotonicMs() + backoffDelayMs(RETRY, cleanUp.failures, this.#deps.random());
    cleanUp.failures += 1;
  }

  async #sleepUntil(untilMs: number): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#sleeper;
    if (signal.aborted) return;
    const ms = Math.min(SLOW_AFTER_MS, Math.max(0, untilMs - clock.monotonicMs()));
    if (ms > 0) await clock.sleep(ms, signal).catch(() => undefined);
  }
}
