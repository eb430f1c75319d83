import { instanceName, isRouted, type Assignment } from '../../shared/domain/assignment.ts';
import { toReason, type Exit, type Reason } from '../../shared/domain/instance.ts';
import { SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import { livenessReason, notYetReady, sayFailing, type FailingCheck } from '../health/check-state.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Images } from '../images/port.ts';
import type { LogBook } from '../logs/log-book.ts';
import type { Logs } from '../logs/port.ts';
import type { Proxy } from '../proxy/port.ts';
import type { Sandbox, SandboxSpec } from '../sandbox/port.ts';
import { explainExit } from './explain-exit.ts';
import type { InstanceRecords } from './instances.ts';
import { passGate, type GateDeps } from './pass-gate.ts';
import { failingOf } from './plan.ts';
import { afterCrash, afterGate, type InstanceRecord } from './record.ts';
import type { InstanceRuntime } from './runtime.ts';
import type { Executors, Step } from './steps.ts';

export interface ExecutorDeps extends GateDeps {
  readonly sandbox: Sandbox;
  readonly images: Images;
  readonly proxy: Proxy;
  readonly logs: Logs;
  readonly logBook: LogBook;
  readonly records: InstanceRecords;
  /** The sandbox of an assignment, with a process as on Heroku. */
  readonly dynoSpec: (assignment: Assignment, lowerDirs: readonly string[]) => SandboxSpec;
  /** Time between SIGTERM and SIGKILL; 30 s as on Heroku. */
  readonly stopTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** Called when only the kept log is left of an instance. */
  readonly onRemoved?: (() => void) | undefined;
  readonly failpoint: Failpoint;
  readonly random: () => number;
}

const LAST_LINES = 20;

/** What each step does. Each is idempotent, because the plan may ask again after a crash. */
export function createExecutors(deps: ExecutorDeps, instances: ReadonlyMap<string, InstanceRuntime>): Executors {
  const steps = new InstanceSteps(deps);
  const runtimeOf = (step: Step): InstanceRuntime => {
    const runtime = instances.get(step.instanceId);
    if (runtime !== undefined) return runtime;
    throw new SlipwayError({ code: 'SLIP_INTERNAL', kind: 'bug', message: `There is no instance ${step.instanceId}.` });
  };
  return {
    fetch: (step, signal) => steps.fetch(runtimeOf(step), step.assignment, signal),
    launch: (step) => steps.launch(runtimeOf(step), step.assignment),
    gate: (step, signal) => steps.gate(runtimeOf(step), step.assignment, signal),
    mark: (step) => steps.mark(runtimeOf(step), step.assignment, step.failing),
    restart: (step, signal) => steps.restart(runtimeOf(step), step.assignment, signal),
    reap: (step) => steps.reap(runtimeOf(step), step.assignment),
    drain: (step, signal) => steps.drain(runtimeOf(step), signal),
    terminate: (step, signal) => steps.terminate(runtimeOf(step), signal),
    destroy: async (step) => {
      await deps.sandbox.destroy(step.instanceId);
    },
    remove: async (step) => {
      await deps.sandbox.destroy(step.instanceId); // no driver shows a half-made sandbox, so the plan cannot ask for this
      await deps.proxy.forget(step.instanceId);
      for (const id of deps.logBook.end(step.instanceId, deps.clock.nowMs())) await deps.sandbox.forget(id);
      await deps.records.remove(step.instanceId);
      (instances as Map<string, InstanceRuntime>).delete(step.instanceId);
      deps.onRemoved?.();
    },
  };
}

/** What each step does to one instance. */
class InstanceSteps {
  readonly #deps: ExecutorDeps;

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
  }

  async timed<T>(runtime: InstanceRuntime, name: string, work: () => Promise<T>): Promise<T> {
    const startedAtMs = this.#deps.clock.monotonicMs();
    try {
      return await work();
    } finally {
      runtime.timingsMs[name] = Math.round((this.#deps.clock.monotonicMs() - startedAtMs) * 10) / 10;
    }
  }

  async save(runtime: InstanceRuntime, record: InstanceRecord): Promise<void> {
    await this.#deps.records.save(runtime.instanceId, record);
    runtime.record = record;
  }

  async fetch(runtime: InstanceRuntime, assignment: Assignment, signal: AbortSignal): Promise<void> {
    try {
      await this.timed(runtime, 'fetch', () => this.#deps.images.ensure(assignment.layers, signal));
      await this.#deps.failpoint('agent.fetched');
      runtime.layersReady = true;
    } catch (error) {
      if (signal.aborted) return;
      const known = toSlipwayError(error);
      if (known.kind !== 'user') throw error; // a failure of the network or the disk: the loop tries again
      await this.fail(runtime, toReason(known));
    }
  }

  async fail(runtime: InstanceRuntime, reason: Reason): Promise<void> {
    await this.save(runtime, { ...runtime.record, failure: reason });
  }

  async launch(runtime: InstanceRuntime, assignment: Assignment): Promise<void> {
    const lowerDirs = await this.timed(runtime, 'mount', () =>
      Promise.all(assignment.layers.map((layer) => this.#deps.images.mount(layer, assignment.uidBase))),
    );
    runtime.drained = !isRouted(assignment);
    this.#deps.logBook.add({
      instanceId: runtime.instanceId,
      appId: assignment.appId,
      app: assignment.app,
      process: instanceName(assignment),
    });
    await this.timed(runtime, 'sandbox', async () => {
      await this.#deps.sandbox.prepare(this.#deps.dynoSpec(assignment, lowerDirs));
      await this.#deps.failpoint('agent.prepared');
      runtime.sandbox = await this.#deps.sandbox.start(runtime.instanceId);
    });
    await this.#deps.failpoint('agent.started');
    void this.#deps.logs.write(
      assignment.appId,
      instanceName(assignment),
      `Starting process with command \`${assignment.command}\``,
    );
  }

  async gate(runtime: InstanceRuntime, assignment: Assignment, signal: AbortSignal): Promise<void> {
    const status = runtime.sandbox;
    if (status?.startedAtMs === undefined) return;
    const watch = watchExit(this.#deps.sandbox, runtime.instanceId);
    try {
      const outcome = await this.timed(runtime, 'gate', () =>
        passGate(this.#deps, { status, assignment, exited: watch.exited, signal, everLive: runtime.record.everLive }),
      );
      if (outcome === 'exited') return; // the next round reaps it
      if (outcome !== 'passed') {
        await this.giveUp(runtime, outcome);
        return;
      }
    } finally {
      watch.stop();
    }
    // A restarted process is not ended because it is not ready: it gets its requests when it is.
    const failing = runtime.record.everLive ? notYetReady(assignment.checks, this.#deps.clock.nowMs()) : [];
    await this.save(runtime, afterGate(runtime.record, status.startedAtMs, failing));
    await this.#deps.failpoint('agent.gated');
    void this.#deps.logs.write(assignment.appId, instanceName(assignment), 'State changed from starting to up');
  }

  /** The routes follow the record, so a restart of the agent keeps an instance out of the proxies. */
  async mark(runtime: InstanceRuntime, assignment: Assignment, failing: readonly FailingCheck[]): Promise<void> {
    const startedAtMs = runtime.sandbox?.startedAtMs;
    if (startedAtMs === undefined) return;
    const health = failing.length === 0 ? undefined : { startedAtMs, failing };
    await this.save(runtime, { ...runtime.record, health });
    await this.#deps.failpoint('agent.marked');
    const [first] = failing;
    const name = instanceName(assignment);
    const text =
      first === undefined
        ? `${name} gets requests again: its health checks pass`
        : `${name} gets no requests: ${sayFailing(first)}`;
    void this.#deps.logs.write(assignment.appId, name, text);
  }

  /** Ends the process whose liveness check failed. The record decides when it starts again. */
  async restart(runtime: InstanceRuntime, assignment: Assignment, signal: AbortSignal): Promise<void> {
    const about = { name: instanceName(assignment), app: assignment.app };
    const reason = livenessReason(
      about,
      failingOf({ record: runtime.record, startedAtMs: runtime.sandbox?.startedAtMs }),
    );
    if (reason === undefined) return;
    this.logLine(runtime, reason.message);
    await this.stopProcess(runtime, signal);
    await this.#deps.failpoint('agent.unhealthyEnded');
    await this.giveUp(runtime, reason);
  }

  /** Ends a running process whose gate failed. The record decides whether it is started again. */
  async giveUp(runtime: InstanceRuntime, reason: Reason): Promise<void> {
    const lastLines = await this.#deps.logs.lastLines(runtime.instanceId, LAST_LINES);
    await this.#deps.sandbox.destroy(runtime.instanceId);
    const exit: Exit = { signal: 'SIGKILL', oomKilled: false, atMs: this.#deps.clock.nowMs() };
    await this.crashed(runtime, { reason, exit, lastLines });
    runtime.sandbox = undefined;
  }

  async reap(runtime: InstanceRuntime, assignment: Assignment): Promise<void> {
    const exit = runtime.sandbox?.exit ?? { oomKilled: false, atMs: this.#deps.clock.nowMs() };
    const lastLines = await this.#deps.logs.lastLines(runtime.instanceId, LAST_LINES);
    const reason = explainExit(assignment, { exit, everLive: runtime.record.everLive, lastLines });
    await this.crashed(runtime, { reason, exit, lastLines });
    void this.#deps.logs.write(assignment.appId, instanceName(assignment), reason.message);
    await this.#deps.sandbox.destroy(runtime.instanceId);
    runtime.sandbox = undefined;
  }

  async crashed(
    runtime: InstanceRuntime,
    crash: { reason: Reason; exit: Exit; lastLines: readonly string[] },
  ): Promise<void> {
    const ranMs = Math.max(0, crash.exit.atMs - (runtime.sandbox?.startedAtMs ?? crash.exit.atMs));
    const now = { nowMs: this.#deps.clock.nowMs(), random: this.#deps.random() };
    await this.save(runtime, afterCrash(runtime.record, { ...crash, ranMs }, now));
  }

  /** Waits until the instance has no open request, or until the drain time is over. */
  async drain(runtime: InstanceRuntime, signal: AbortSignal): Promise<void> {
    const untilMs = this.#deps.clock.monotonicMs() + this.#deps.drainTimeoutMs;
    let pauseMs = 10;
    while (this.#deps.clock.monotonicMs() < untilMs && (await this.#deps.proxy.inFlight(runtime.instanceId)) > 0) {
      await this.#deps.clock.sleep(pauseMs, signal);
      pauseMs = Math.min(500, pauseMs * 2);
    }
    runtime.drained = true;
  }

  /** Writes the same log lines as Heroku, so that users see when a process was killed. */
  async terminate(runtime: InstanceRuntime, signal: AbortSignal): Promise<void> {
    await this.stopProcess(runtime, signal);
    await this.#deps.sandbox.destroy(runtime.instanceId);
    runtime.sandbox = undefined; // so that the next plan does not stop it a second time
  }

  async stopProcess(runtime: InstanceRuntime, signal: AbortSignal): Promise<void> {
    this.logLine(runtime, 'Stopping process with SIGTERM');
    if (!(await this.endsAtSigterm(runtime, signal))) {
      const seconds = this.#deps.stopTimeoutMs / 1000;
      this.logLine(
        runtime,
        `Error R12 (Exit timeout) -> The process did not end within ${String(seconds)} s of SIGTERM and is ended with SIGKILL`,
      );
    }
  }

  /** False when the process still runs after the stop time. */
  async endsAtSigterm(runtime: InstanceRuntime, signal: AbortSignal): Promise<boolean> {
    const watch = watchExit(this.#deps.sandbox, runtime.instanceId);
    try {
      await this.#deps.sandbox.signal(runtime.instanceId, 'SIGTERM');
      const untilMs = this.#deps.clock.monotonicMs() + this.#deps.stopTimeoutMs;
      while (!watch.exited() && this.#deps.clock.monotonicMs() < untilMs) {
        await this.#deps.clock.sleep(20, signal);
        if ((await this.#deps.sandbox.inspect(runtime.instanceId))?.phase !== 'running') return true;
      }
      return watch.exited();
    } finally {
      watch.stop();
    }
  }

  /** Writes a line to the log of the app, also when the assignment no longer exists. */
  logLine({ instanceId }: InstanceRuntime, message: string): void {
    const writer = this.#deps.logBook.writer(instanceId);
    if (writer !== undefined) void this.#deps.logs.write(writer.appId, writer.process, message);
  }
}

function watchExit(sandbox: Sandbox, instanceId: string): { exited: () => boolean; stop: () => void } {
  let ended = false;
  const stop = sandbox.onExit((id) => {
    ended ||= id === instanceId;
  });
  return { exited: () => ended, stop };
}
