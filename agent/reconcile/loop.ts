import type { Assignment, DesiredState } from '../../shared/domain/assignment.ts';
import type { FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { InstanceState, InstanceStatus, Reason } from '../../shared/domain/instance.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { LogEvent, Logger } from '../../shared/kit/log.ts';
import type { HealthMonitor } from '../health/monitor.ts';
import type { Sandbox } from '../sandbox/port.ts';
import type { InstanceRecords } from './instances.ts';
import { followHealth } from './follow-health.ts';
import { plan, type Plan } from './plan.ts';
import { assign, enterState, healthOf, newRuntime, observe, type InstanceRuntime } from './runtime.ts';
import type { RouteSwitch } from './route-switch.ts';
import { statusOf } from './status.ts';
import { describeStep, type Executors, type Step } from './steps.ts';

export interface LoopDeps {
  readonly sandbox: Sandbox;
  readonly records: InstanceRecords;
  readonly routes: RouteSwitch;
  /** Absent: no health checks run. @param onChange to be called when the health of a process changes */
  readonly monitor?: ((onChange: () => void) => HealthMonitor) | undefined;
  readonly executors: (instances: ReadonlyMap<string, InstanceRuntime>) => Executors;
  /** Called with the changed reports. */
  readonly report: (statuses: readonly InstanceStatus[]) => void;
  /** Repairs the machine; called every `hostCheckMs`. */
  readonly ensureHost: () => Promise<void>;
  readonly hostCheckMs: number;
  /** The reason for users when a step failed and is tried again. */
  readonly explain?: ((error: unknown) => Promise<Reason>) | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** An instance that an earlier agent started can have no app and no user ids here. */
export interface HeldInstance {
  readonly instanceId: string;
  readonly appId: AppId | undefined;
  readonly uidBase: number | undefined;
}

const STEP_RETRY: BackoffPolicy = Object.freeze({ firstMs: 200, maxMs: 30_000, factor: 2 });

/** A failure is reported when it lasts for more than this many host checks. A shorter one can be a change that somebody is making. */
const HOST_FAILURE_CHECKS = 1.5;

/** Delay after a failed round. */
const RETRY_MS = 1_000;

/**
 * Level-triggered: events only wake it. Each round observes, plans and starts at most one step for each instance. It does not wait for the
 * steps, so a step that hangs never delays another instance.
 */
export class ReconcileLoop {
  readonly #deps: LoopDeps;
  readonly #instances = new Map<string, InstanceRuntime>();
  readonly #executors: Executors;
  readonly monitor: HealthMonitor | undefined;
  readonly #stopping = new AbortController();
  #desired: DesiredState | undefined;
  #wake: () => void = () => undefined;
  #dirty = true;
  #running: Promise<void> | undefined;
  /** Monotonic time of the last successful host check. */
  #hostOkAtMs = Infinity;
  #hostFailure: Reason | undefined;

  constructor(deps: LoopDeps) {
    this.#deps = deps;
    this.#executors = deps.executors(this.#instances);
    this.monitor = deps.monitor?.(this.wake.bind(this));
  }

  /** Adopts the instances of an earlier agent, then runs until `stop`. `desired` is the accepted state on disk. */
  async start(desired: DesiredState | undefined): Promise<void> {
    this.#desired = desired;
    const records = await this.#deps.records.load();
    const sandboxes = (await this.#deps.sandbox.list()).filter((found) => found.purpose === 'app');
    for (const id of new Set([...records.keys(), ...sandboxes.map((found) => found.id)])) {
      const runtime = newRuntime(id, records.get(id));
      runtime.sandbox = sandboxes.find((found) => found.id === id);
      runtime.inProxy = runtime.sandbox?.phase === 'running'; // until the first apply of routes
      this.#instances.set(id, runtime);
    }
    this.#deps.sandbox.onExit(() => {
      this.wake();
    });
    this.#running = this.#reconcileUntilStopped();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.monitor?.stop();
    this.wake();
    for (const runtime of this.#instances.values()) runtime.abort?.abort();
    await this.#running;
  }

  /** The controller allows to restart this process, whose liveness check has failed. */
  allowRestart({ instanceId, startedAtMs }: { readonly instanceId: string; readonly startedAtMs: number }): void {
    const runtime = this.#instances.get(instanceId);
    if (runtime !== undefined) runtime.leaveStartedAtMs = startedAtMs;
    this.wake();
  }

  setDesired(desired: DesiredState): void {
    this.#desired = desired;
    this.wake();
  }

  /** Resolves when the proxy serves these routes of the fleet or newer ones. `again` applies them also when they are equal. */
  setRoutes(routes: FleetRoutes, again = false): Promise<void> {
    const served = this.#deps.routes.follow(routes, again);
    this.wake();
    return served;
  }

  /** Starts a round soon, because something may have changed. */
  wake(): void {
    this.#dirty = true;
    this.#wake();
  }

  /** Every instance that this loop has not removed yet. */
  held(): readonly HeldInstance[] {
    return [...this.#instances.values()].map(({ instanceId, appId, sandbox }) => ({
      instanceId,
      appId,
      uidBase: sandbox?.uidBase,
    }));
  }

  statuses(): readonly InstanceStatus[] {
    return [...this.#instances.values()].map((runtime) => this.#statusOf(runtime));
  }

  /** Why the host checks fail, if they have failed for longer than a change that somebody is making. */
  hostFailure(): Reason | undefined {
    const failsForMs = this.#deps.clock.monotonicMs() - this.#hostOkAtMs;
    return failsForMs < HOST_FAILURE_CHECKS * this.#deps.hostCheckMs ? undefined : this.#hostFailure;
  }

  async #reconcileUntilStopped(): Promise<void> {
    let checkedAtMs = this.#deps.clock.monotonicMs();
    this.#hostOkAtMs = checkedAtMs; // the start of the agent has checked the host
    while (!this.#stopping.signal.aborted) {
      this.#dirty = false;
      let wakeAtMs = await this.#try('reconcile.round_failed', () => this.#round());
      if (this.#deps.clock.monotonicMs() - checkedAtMs >= this.#deps.hostCheckMs) {
        // Also after a failed round, because a change of the host may be the reason.
        wakeAtMs = Math.min(wakeAtMs, await this.#try('reconcile.host_check_failed', () => this.#checkHost()));
        checkedAtMs = this.#deps.clock.monotonicMs();
      }
      await this.#sleepUntil(wakeAtMs);
    }
  }

  async #checkHost(): Promise<void> {
    try {
      await this.#deps.ensureHost();
      this.#hostOkAtMs = this.#deps.clock.monotonicMs();
      this.#hostFailure = undefined;
    } catch (error) {
      this.#hostFailure = await this.#deps.explain?.(error).catch(() => undefined);
      throw error;
    }
  }

  /** @returns the wall clock time of the next round: soon when the work failed */
  async #try(event: LogEvent, work: () => Promise<unknown>): Promise<number> {
    try {
      const wakeAtMs = await work();
      return typeof wakeAtMs === 'number' ? wakeAtMs : Infinity;
    } catch (error) {
      this.#deps.log.error({ err: error }, event);
      return this.#deps.clock.nowMs() + RETRY_MS;
    }
  }

  async #round(): Promise<number | undefined> {
    if (this.#desired === undefined) return undefined;
    await this.#refresh(this.#desired);
    const now = this.#deps.clock.nowMs();
    const runtimes = [...this.#instances.values()];
    const next = plan(this.#desired, runtimes.map(observe), now);
    for (const step of next.steps) this.#begin(step, now);
    try {
      await this.#switchRoutes(this.#desired, next);
    } finally {
      this.#reportChanges(); // also when the proxy is down, because instances run without it
    }
    const retries = runtimes.map((runtime) => runtime.retryAtMs).filter((at) => at > now);
    return Math.min(next.wakeAtMs ?? Infinity, ...retries);
  }

  /** Updates the instances from the desired state and the sandbox driver. */
  async #refresh(desired: DesiredState): Promise<void> {
    const wanted = new Map<string, Assignment>(desired.assignments.map((a) => [a.instanceId, a]));
    for (const id of wanted.keys()) if (!this.#instances.has(id)) this.#instances.set(id, newRuntime(id));
    for (const runtime of this.#instances.values()) {
      assign(runtime, wanted.get(runtime.instanceId));
      const stops = (runtime.assignment?.desired ?? 'stop') === 'stop';
      if (stops && interruptible(runtime.busy)) runtime.abort?.abort();
      if (runtime.busy === undefined) runtime.sandbox = await this.#deps.sandbox.inspect(runtime.instanceId);
    }
    followHealth(this.monitor, [...this.#instances.values()]);
  }

  async #switchRoutes(desired: DesiredState, next: Plan): Promise<void> {
    const changed = await this.#deps.routes.apply(desired, next.backends, this.#instances);
    if (changed) this.#dirty = true; // instances without a route may now drain
  }

  #begin(step: Step, nowMs: number): void {
    const runtime = this.#instances.get(step.instanceId);
    if (runtime === undefined || runtime.retryAtMs > nowMs) return;
    runtime.busy = step.kind;
    runtime.abort = new AbortController();
    this.#deps.log.debug({ step: describeStep(step) }, 'reconcile.step');
    const signal = runtime.abort.signal;
    const executor = this.#executors[step.kind] as (step: Step, signal: AbortSignal) => Promise<void>;
    void executor(step, signal).then(
      () => {
        runtime.failures = 0;
        runtime.stepFailure = undefined;
        this.#finish(runtime);
      },
      async (error: unknown) => {
        if (!signal.aborted) this.#defer(runtime, step, error);
        if (!signal.aborted) runtime.stepFailure = await this.#deps.explain?.(error).catch(() => undefined);
        this.#finish(runtime);
      },
    );
  }

  #finish(runtime: InstanceRuntime): void {
    runtime.busy = undefined;
    runtime.abort = undefined;
    this.wake();
  }

  #defer(runtime: InstanceRuntime, step: Step, error: unknown): void {
    const delayMs = backoffDelayMs(STEP_RETRY, runtime.failures, this.#deps.random());
    runtime.failures += 1;
    runtime.retryAtMs = this.#deps.clock.nowMs() + delayMs;
    this.#deps.log.warn({ step: describeStep(step), err: error, delayMs }, 'reconcile.step_failed');
  }

  #reportChanges(): void {
    const changed: InstanceStatus[] = [];
    for (const runtime of this.#instances.values()) {
      const status = this.#statusOf(runtime);
      this.#enterState(runtime, status.state);
      const text = JSON.stringify(status);
      if (text === runtime.reported) continue;
      runtime.reported = text;
      changed.push(status);
    }
    if (changed.length > 0) this.#deps.report(changed);
  }

  /** An impossible transition is a bug of this agent. It must not stop the loop, because all apps of this node depend on it. */
  #enterState(runtime: InstanceRuntime, to: InstanceState): void {
    const from = runtime.state;
    try {
      enterState(runtime, to);
    } catch (error) {
      this.#deps.log.error({ instance: runtime.instanceId, from, to, err: error }, 'reconcile.illegal_transition');
    }
  }

  #statusOf(runtime: InstanceRuntime): InstanceStatus {
    return statusOf(runtime.assignment, observe(runtime), {
      nowMs: this.#deps.clock.nowMs(),
      timingsMs: runtime.timingsMs,
      stepFailure: runtime.stepFailure,
      health: healthOf(runtime),
    });
  }

  async #sleepUntil(wakeAtMs: number): Promise<void> {
    if (this.#dirty || this.#stopping.signal.aborted) return;
    const untilMs = Math.min(wakeAtMs, this.#deps.clock.nowMs() + this.#deps.hostCheckMs);
    const sleeper = new AbortController();
    this.#wake = () => {
      sleeper.abort();
    };
    await this.#deps.clock
      .sleep(Math.max(0, untilMs - this.#deps.clock.nowMs()), sleeper.signal)
      .catch(() => undefined);
    this.#wake = () => undefined;
  }
}

/** Steps that only wait or fetch can be interrupted. The others finish, so that nothing is left half-made. */
function interruptible(step: Step['kind'] | undefined): boolean {
  return step === 'fetch' || step === 'gate';
}
