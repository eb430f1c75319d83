import { isDeepStrictEqual } from 'node:util';
import type { HealthCheck } from '../../shared/domain/health-check.ts';
import type { CheckResult } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import {
  afterAnswer,
  checkKey,
  failingChecks,
  lastingChecks,
  resultsOf,
  type CheckState,
  type FailingCheck,
} from './check-state.ts';
import type { ProbeTarget, RunProbe } from './port.ts';

/** A process whose gate has passed. */
export interface Monitored extends ProbeTarget {
  /** Start time of the process. */
  readonly startedAtMs: number;
  readonly checks: readonly HealthCheck[];
  /** The checks that failed before the agent restarted. */
  readonly failing: readonly FailingCheck[];
}

/** What the checks of a process say now. */
export interface Health {
  readonly startedAtMs: number;
  readonly failing: readonly FailingCheck[];
  readonly results: readonly CheckResult[];
  /** The last requested run that is done. */
  readonly run?: number | undefined;
}

export interface MonitorDeps {
  readonly probe: RunProbe;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Called when the health of a process changes. */
  readonly onChange: () => void;
}

interface Watched {
  readonly startedAtMs: number;
  readonly checks: readonly HealthCheck[];
  readonly states: Map<string, CheckState>;
  readonly target: ProbeTarget;
  run: number | undefined;
  readonly stop: AbortController;
  health: Health;
}

/** Runs the readiness and liveness checks of all live processes. Each check has its own rhythm, so one that hangs delays no other. */
export class HealthMonitor {
  readonly #deps: MonitorDeps;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: MonitorDeps) {
    this.#deps = deps;
  }

  /** Begins and ends checks, so that exactly these processes are checked. */
  follow(all: readonly Monitored[]): void {
    const wanted = new Map(
      all.filter(({ checks }) => lastingChecks(checks).length > 0).map((one) => [one.instanceId, one]),
    );
    for (const [id, watched] of this.#watched) {
      const one = wanted.get(id);
      const same =
        one?.startedAtMs === watched.startedAtMs && isDeepStrictEqual(lastingChecks(one.checks), watched.checks);
      if (same) wanted.delete(id);
      else this.#end(id, watched);
    }
    for (const one of wanted.values()) this.#begin(one);
  }

  /** Runs all checks of these processes once more, beside their rhythm. Their health then has this number. */
  runNow(instanceIds: readonly string[], run: number): void {
    for (const id of instanceIds) {
      const watched = this.#watched.get(id);
      if (watched === undefined) continue;
      const asked = watched.checks.map((check, index) => this.#ask(watched, { check, key: checkKey(check, index) }));
      void Promise.all(asked).then(() => {
        watched.run = run;
        this.#update(watched);
      });
    }
  }

  /** Undefined while the process is not checked. */
  healthOf(instanceId: string): Health | undefined {
    return this.#watched.get(instanceId)?.health;
  }

  stop(): void {
    for (const [id, watched] of this.#watched) this.#end(id, watched);
  }

  #end(id: string, watched: Watched): void {
    watched.stop.abort();
    this.#watched.delete(id);
  }

  #begin({ failing, ...one }: Monitored): void {
    const checks = lastingChecks(one.checks);
    const states = new Map(
      failing.map(({ key, failures, answer, sinceMs }) => [
        key,
        { failures, passed: false, lastPassed: false, answer, sinceMs },
      ]),
    );
    const { startedAtMs } = one;
    const health = { startedAtMs, failing: failingChecks(checks, states), results: resultsOf(checks, states) };
    const watched: Watched = {
      ...{ startedAtMs, checks, states, target: one, run: undefined },
      ...{ stop: new AbortController(), health },
    };
    this.#watched.set(one.instanceId, watched);
    checks.forEach((check, index) => {
      void this.#run(watched, { check, key: checkKey(check, index) });
    });
  }

  /** Ends with its process. */
  async #run(watched: Watched, { check, key }: { readonly check: HealthCheck; readonly key: string }): Promise<void> {
    const { clock, random } = this.#deps;
    const { signal } = watched.stop;
    try {
      const delayMs = watched.startedAtMs + check.initialDelayMs - clock.nowMs();
      // A failing check is asked at once. The others are spread, so that the checks of a node do not run all together.
      const spreadMs = watched.states.get(key)?.passed === false ? 0 : random() * check.waitMs;
      await clock.sleep(Math.max(0, delayMs) + spreadMs, signal);
      for (;;) {
        await this.#ask(watched, { check, key });
        await clock.sleep(check.waitMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** One attempt. It counts, whoever asked for it. */
  async #ask(watched: Watched, { check, key }: { readonly check: HealthCheck; readonly key: string }): Promise<void> {
    const { clock, probe } = this.#deps;
    const { signal } = watched.stop;
    const answer = await probe(check, watched.target, signal);
    if (signal.aborted) return;
    watched.states.set(key, afterAnswer(check, watched.states.get(key), { ...answer, nowMs: clock.nowMs() }));
    this.#update(watched);
  }

  #update(watched: Watched): void {
    const { startedAtMs, checks, states, run } = watched;
    const failing = failingChecks(checks, states);
    const health = { startedAtMs, failing, results: resultsOf(checks, states), ...(run === undefined ? {} : { run }) };
    if (isDeepStrictEqual(health, watched.health)) return;
    watched.health = health;
    this.#deps.onChange();
  }
}
