import { instanceName, isRouted, type Assignment } from '../../shared/domain/assignment.ts';
import { startupMs } from '../../shared/domain/health-check.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { DEFAULT_GATE_POLICY, waitForPort, type GatePolicy } from '../health/gate.ts';
import type { RunProbe } from '../health/port.ts';
import { passStartChecks } from '../health/start-checks.ts';
import type { Sandbox, SandboxStatus } from '../sandbox/port.ts';

export interface GateDeps {
  readonly sandbox: Pick<Sandbox, 'inspect' | 'listeners'>;
  readonly gatePolicy?: GatePolicy | undefined;
  /** Default: one TCP connect. */
  readonly answers?: ((address: string, port: number) => Promise<boolean>) | undefined;
  /** Runs health checks. Absent: assignments have none. */
  readonly probe?: RunProbe | undefined;
  readonly clock: Clock;
}

/** The process that a gate waits for. */
export interface GateTask {
  readonly status: SandboxStatus;
  readonly assignment: Assignment;
  readonly exited: () => boolean;
  readonly signal: AbortSignal;
  /** The gate of the instance has passed before. */
  readonly everLive: boolean;
}

type GateEnd = 'passed' | 'exited' | Reason;

/** A process without a port is live after this time. */
const STAY_UP_MS = 1_000;

/** Waits until the process counts as started: its port answers, and its checks pass. */
export async function passGate(deps: GateDeps, task: GateTask): Promise<GateEnd> {
  if ((await deps.sandbox.inspect(task.status.id))?.phase !== 'running') return 'exited'; // it ended before the watch began
  const listening = await waitForListening(deps, task);
  return listening === 'passed' ? passChecks(deps, task) : listening;
}

/** Startup checks take the place of the time that a process without a port must stay up. The port of a web process must answer in any case. */
async function waitForListening(deps: GateDeps, { status, assignment, exited, signal }: GateTask): Promise<GateEnd> {
  const { sandbox, clock, gatePolicy = DEFAULT_GATE_POLICY, answers } = deps;
  const { address, port } = status;
  const isChecked = assignment.checks?.some(({ type }) => type === 'startup') === true;
  if (port === undefined || !isRouted(assignment)) return isChecked ? 'passed' : stayUp(clock, { exited, signal });
  const timeoutMs = Math.max(gatePolicy.timeoutMs, startupMs(assignment.checks ?? []));
  const listeners = (): ReturnType<Sandbox['listeners']> => sandbox.listeners(status.id);
  const target = { address, port, exited, listeners, signal, answers };
  const outcome = await waitForPort(target, { ...gatePolicy, timeoutMs }, clock);
  if (outcome.passed) return 'passed';
  return 'exited' in outcome ? 'exited' : outcome.reason;
}

/** Startup checks first. A new instance must also be ready once, so a release that is never ready fails. */
async function passChecks({ probe, clock }: GateDeps, task: GateTask): Promise<GateEnd> {
  const { status, assignment, exited, signal, everLive } = task;
  const { checks = [], app } = assignment;
  const first = ['startup', ...(everLive ? [] : ['readiness'])].flatMap((type) =>
    checks.filter((check) => check.type === type),
  );
  if (probe === undefined || first.length === 0) return 'passed';
  const { address, port, startedAtMs = clock.nowMs() } = status;
  const target = { instanceId: status.id, address, port };
  const start = { name: instanceName(assignment), app, startedAtMs, target, exited, signal };
  return passStartChecks(first, start, { probe, clock });
}

async function stayUp(clock: Clock, { exited, signal }: Pick<GateTask, 'exited' | 'signal'>): Promise<GateEnd> {
  const untilMs = clock.monotonicMs() + STAY_UP_MS;
  while (clock.monotonicMs() < untilMs) {
    if (exited()) return 'exited';
    await clock.sleep(50, signal);
  }
  return exited() ? 'exited' : 'passed';
}
