import { instanceName, isRouted, type Assignment } from '../../shared/domain/assignment.ts';
import { toReason, type Exit, type Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import { DEFAULT_GATE_POLICY, waitForPort, type GatePolicy } from '../health/gate.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Images } from '../images/port.ts';
import type { LogBook } from '../logs/log-book.ts';
import type { Logs } from '../logs/port.ts';
import type { Proxy } from '../proxy/port.ts';
import type { Sandbox, SandboxSpec, SandboxStatus } from '../sandbox/port.ts';
import { explainExit } from './explain-exit.ts';
import type { InstanceRecords } from './instances.ts';
import { afterCrash, afterGate, type InstanceRecord } from './record.ts';
import type { InstanceRuntime } from './runtime.ts';
import type { Executors, Step } from './steps.ts';

export interface ExecutorDeps {
  readonly sandbox: Sandbox;
  readonly images: Images;
  readonly proxy: Proxy;
  readonly logs: Logs;
  readonly logBook: LogBook;
  readonly records: InstanceRecords;
  /** The sandbox of an assignment, with a process as on Heroku. */
  readonly dynoSpec: (assignment: Assignment, lowerDirs: readonly string[]) => SandboxSpec;
  readonly gatePolicy?: GatePolicy | undefined;
  /** Default: one TCP connect. */
  readonly answers?: ((address: string, port: number) => Promise<boolean>) | undefined;
  /** Time between SIGTERM and SIGKILL; 30 s as on Heroku. */
  readonly stopTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** Called when only the kept log is left of an instance. */
  readonly onRemoved?: (() => void) | undefined;
  readonly failpoint: Failpoint;
  readonly clock: Clock;
  readonly random: () => number;
}

const LAST_LINES = 20;
/** A process without a port is live after this time. */
const STAY_UP_MS = 1_000;

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
        this.waitForGate(status, assignment, { exited: watch.exited, signal }),
      );
      if (outcome === 'exited') return; // the next round reaps it
      if (outcome !== 'passed') {
        await this.giveUp(runtime, outcome);
        return;
      }
    } finally {
      watch.stop();
    }
    await this.save(runtime, afterGate(runtime.record, status.startedAtMs));
    await this.#deps.failpoint('agent.gated');
    void this.#deps.logs.write(assignment.appId, instanceName(assignment), 'State changed from starting to up');
  }

  async waitForGate(
    status: SandboxStatus,
    assignment: Assignment,
    watch: { exited: () => boolean; signal: AbortSignal },
  ): Promise<'passed' | 'exited' | Reason> {
    if ((await this.#deps.sandbox.inspect(status.id))?.phase !== 'running') return 'exited'; // it ended before the watch began
    if (status.port === undefined || !isRouted(assignment)) return this.stayUp(watch);
    const target = {
      address: status.address,
      port: status.port,
      exited: watch.exited,
      listeners: () => this.#deps.sandbox.listeners(status.id),
      signal: watch.signal,
      answers: this.#deps.answers,
    };
    const outcome = await waitForPort(target, this.#deps.gatePolicy ?? DEFAULT_GATE_POLICY, this.#deps.clock);
    if (outcome.passed) return 'passed';
    return 'exited' in outcome ? 'exited' : outcome.reason;
  }

  async stayUp(watch: { exited: () => boolean; signal: AbortSignal }): Promise<'passed' | 'exited'> {
    const untilMs = this.#deps.clock.monotonicMs() + STAY_UP_MS;
    while (this.#deps.clock.monotonicMs() < untilMs) {
      if (watch.exited()) return 'exited';
      await this.#deps.clock.sleep(50, watch.signal);
    }
    return watch.exited() ? 'exited' : 'passed';
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
    this.logLine(runtime, 'Stopping process with SIGTERM');
    if (!(await this.endsAtSigterm(runtime, signal))) {
      const seconds = this.#deps.stopTimeoutMs / 1000;
      this.logLine(
        runtime,
        `Error R12 (Exit timeout) -> The process did not end within ${String(seconds)} s of SIGTERM and is ended with SIGKILL`,
      );
    }
    await this.#deps.sandbox.destroy(runtime.instanceId);
    runtime.sandbox = undefined; // so that the next plan does not stop it a second time
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
