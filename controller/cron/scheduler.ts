import type { Reason } from '../../shared/domain/instance.ts';
import { isStopped } from '../../shared/domain/placement.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { isSuspended, type CronJob } from '../domain/cron.ts';
import type { Store } from '../store/port.ts';
import { missedEvent, missedReason, skippedEvent, stoppedReason, wentBackEvent } from './cron-events.ts';
import type { CronRuns } from './cron-runs.ts';
import { planCron, type DueTick, type PlannedEntry } from './plan.ts';

export interface CronSchedulerDeps {
  readonly store: Pick<Store, 'readCronJobs' | 'setCronDecided' | 'skipCronTick' | 'addEvent' | 'onEvents'>;
  readonly runs: Pick<CronRuns, 'start'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A tick waits this long for a node. */
const START_WITHIN_MS = 10 * 60_000;
const RETRY_MS = 15_000;
/** Many events together cause one look. */
const SETTLE_MS = 1_000;
/** A jump of the wall clock is noticed after this time at the latest. */
const SLEEP_MAX_MS = 5 * 60_000;
/** These refusals end by themselves when a node returns or gets room. */
const TRANSIENT: ReadonlySet<string> = new Set(['SLIP_COMMAND_NO_NODE', 'SLIP_TASK_KIND']);

interface Waiting {
  readonly sinceMs: number;
  readonly retryAtMs: number;
}

/** Starts cron entries when they are due. It has one timer, for the next tick of all apps. */
export class CronScheduler {
  readonly #deps: CronSchedulerDeps;
  /** Entries whose tick is being decided. */
  readonly #busy = new Set<string>();
  /** Entries whose tick waits for a node. Times are monotonic. */
  readonly #waiting = new Map<string, Waiting>();
  #jobs: readonly CronJob[] = [];
  #isStale = true;
  #wake = new AbortController();
  #isSettling = false;

  constructor(deps: CronSchedulerDeps) {
    this.#deps = deps;
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#deps;
    const unsubscribe = store.onEvents(() => this.#settle());
    while (!signal.aborted) {
      const pauseMs = await this.#look().catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'cron.look_failed');
        this.#isStale = true;
        return RETRY_MS;
      });
      const either = AbortSignal.any([signal, this.#wake.signal]);
      await clock.sleep(Math.min(pauseMs, SLEEP_MAX_MS), either).catch(() => undefined);
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
    }
    unsubscribe();
  }

  /** The entries changed: look at them at once. */
  changed(): void {
    this.#isStale = true;
    this.#wake.abort();
  }

  /** Events tell of new releases, stopped apps and returning nodes. */
  #settle(): void {
    this.#isStale = true;
    if (this.#isSettling) return;
    this.#isSettling = true;
    callAfter(this.#deps.clock, SETTLE_MS, () => {
      this.#isSettling = false;
      this.#wake.abort();
    });
  }

  /** @returns ms until the next look */
  async #look(): Promise<number> {
    const { store, clock } = this.#deps;
    if (this.#isStale) {
      this.#isStale = false;
      this.#jobs = await store.readCronJobs();
    }
    const byKey = new Map(this.#jobs.map((job) => [keyOf(job), job]));
    for (const key of this.#waiting.keys()) if (!byKey.has(key)) this.#waiting.delete(key);
    const [nowMs, monotonicMs] = [clock.nowMs(), clock.monotonicMs()];
    const free = [...byKey].filter(([key]) => !this.#busy.has(key) && this.#retryIn(key, monotonicMs) <= 0);
    const plan = planCron(
      free.map(([key, job]) => this.#planned(key, job)),
      nowMs,
    );
    const decided = plan.decided.flatMap(({ key, decidedMs }) => {
      const job = byKey.get(key);
      return job === undefined ? [] : [{ appId: job.app.id, name: job.entry.name, decidedMs }];
    });
    if (decided.length > 0) {
      this.#isStale = true;
      await store.setCronDecided(decided);
    }
    if (plan.wentBackMs > 0) await store.addEvent(wentBackEvent(plan.wentBackMs));
    for (const due of plan.due) {
      const job = byKey.get(due.key);
      if (job !== undefined) void this.#decide(job, due);
    }
    const retries = [...this.#waiting.keys()].map((key) => this.#retryIn(key, monotonicMs)).filter((ms) => ms > 0);
    return Math.max(0, Math.min(SLEEP_MAX_MS, (plan.wakeAtMs ?? Infinity) - clock.nowMs(), ...retries));
  }

  #retryIn(key: string, monotonicMs: number): number {
    return (this.#waiting.get(key)?.retryAtMs ?? monotonicMs) - monotonicMs;
  }

  #planned(key: string, job: CronJob): PlannedEntry {
    const { app, entry, decidedMs } = job;
    const { schedule, timeZone, missed } = entry;
    const stopped = app.stopped === 'all' || isStopped(app.stopped, entry.processType ?? '');
    const paused = isSuspended(job) ? 'suspended' : stopped ? 'stopped' : undefined;
    return { key, schedule, timeZone, missed, decidedMs, paused, waits: this.#waiting.has(key) };
  }

  /** Never rejects. The entry gets no other decision meanwhile. */
  async #decide(job: CronJob, due: DueTick): Promise<void> {
    const { log } = this.#deps;
    this.#busy.add(due.key);
    try {
      if (due.action === 'run') await this.#start(job, due);
      else if (due.action === 'skip') await this.#skip(job, due, missedReason(job, due));
      else await this.#skip(job, due, stoppedReason(job, due));
    } catch (error) {
      log.error({ app: job.app.name, entry: job.entry.name, err: error }, 'cron.decision_failed');
      this.#wait(due.key);
    } finally {
      this.#busy.delete(due.key);
      this.changed();
    }
  }

  async #start(job: CronJob, due: DueTick): Promise<void> {
    const events = due.missed > 0 || due.isLate ? [missedEvent(job, { ...due, missed: Math.max(1, due.missed) })] : [];
    try {
      await this.#deps.runs.start(job, { tickMs: due.tickMs, events });
      this.#waiting.delete(due.key);
    } catch (error) {
      const { code, message, hint } = toSlipwayError(error);
      if (TRANSIENT.has(code) && !this.#isOverdue(due.key)) this.#wait(due.key);
      else if (code.startsWith('SLIP_CRON_') || TRANSIENT.has(code))
        await this.#skip(job, due, { code, message, hint });
      else throw error;
    }
  }

  async #skip(job: CronJob, due: DueTick, why: Reason): Promise<void> {
    const event = due.action === 'skip' ? missedEvent(job, due) : skippedEvent(job, why);
    const { app, entry } = job;
    await this.#deps.store.skipCronTick({ appId: app.id, name: entry.name, tickMs: due.tickMs, events: [event] }, why);
    this.#waiting.delete(due.key);
  }

  #wait(key: string): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const { sinceMs = nowMs } = this.#waiting.get(key) ?? {};
    this.#waiting.set(key, { sinceMs, retryAtMs: nowMs + RETRY_MS });
  }

  #isOverdue(key: string): boolean {
    const since = this.#waiting.get(key)?.sinceMs;
    return since !== undefined && this.#deps.clock.monotonicMs() - since >= START_WITHIN_MS;
  }
}

function keyOf({ app, entry }: CronJob): string {
  return `${app.id}/${entry.name}`;
}
