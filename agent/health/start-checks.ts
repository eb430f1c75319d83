import { checkLabel, FIRST_READY_MS, longestMs, type HealthCheck } from '../../shared/domain/health-check.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { afterAnswer, sayFailing, type CheckState } from './check-state.ts';
import type { ProbeTarget, RunProbe } from './port.ts';

export interface StartChecks {
  /** `web.1`, for messages. */
  readonly name: string;
  readonly app: string;
  readonly startedAtMs: number;
  readonly target: ProbeTarget;
  /** True when the process has ended. */
  readonly exited: () => boolean;
  readonly signal: AbortSignal;
}

/** Between two attempts of a check that waits for the first readiness. */
const POLL_MS = 1_000;
const EXIT_POLL_MS = 50;

/**
 * Runs startup checks one after the other, and waits until the readiness checks pass for the first time.
 * @param checks in the order in which they run
 */
export async function passStartChecks(
  checks: readonly HealthCheck[],
  start: StartChecks,
  { probe, clock }: { readonly probe: RunProbe; readonly clock: Clock },
): Promise<'passed' | 'exited' | Reason> {
  const io = { probe, clock, start };
  for (const check of checks) {
    const end = check.probe === 'uptime' ? await stayUp(check.uptimeMs, io) : await passCheck(check, io);
    if (end !== 'passed') return end;
  }
  return 'passed';
}

interface Io {
  readonly probe: RunProbe;
  readonly clock: Clock;
  readonly start: StartChecks;
}

async function passCheck(check: HealthCheck, { probe, clock, start }: Io): Promise<'passed' | 'exited' | Reason> {
  const { target, signal } = start;
  if (!(await sleepUntil(start.startedAtMs + check.initialDelayMs, { clock, start }))) return 'exited';
  const untilMs = clock.monotonicMs() + Math.max(FIRST_READY_MS, longestMs(check));
  let state: CheckState | undefined;
  for (;;) {
    const answer = await probe(check, target, signal);
    signal.throwIfAborted();
    if (answer.passed) return 'passed';
    if (start.exited()) return 'exited';
    state = afterAnswer(check, state, { ...answer, nowMs: clock.nowMs() });
    const isOver = check.type === 'startup' ? !state.passed : clock.monotonicMs() >= untilMs;
    if (isOver) return failure(check, state, start);
    const waitMs = check.type === 'startup' ? check.waitMs : Math.min(POLL_MS, check.waitMs);
    if (!(await sleepUntil(clock.nowMs() + waitMs, { clock, start }))) return 'exited';
  }
}

async function stayUp(uptimeMs: number, { clock, start }: Io): Promise<'passed' | 'exited'> {
  return (await sleepUntil(start.startedAtMs + uptimeMs, { clock, start })) && !start.exited() ? 'passed' : 'exited';
}

/** False when the process ended. */
async function sleepUntil(atMs: number, { clock, start }: Pick<Io, 'clock' | 'start'>): Promise<boolean> {
  while (clock.nowMs() < atMs) {
    if (start.exited()) return false;
    await clock.sleep(Math.min(EXIT_POLL_MS, atMs - clock.nowMs()), start.signal);
  }
  return true;
}

function failure(check: HealthCheck, { failures, answer, sinceMs }: CheckState, { name, app }: StartChecks): Reason {
  const failing = { key: '', type: 'readiness' as const, label: checkLabel(check), failures, answer, sinceMs };
  return {
    code: 'SLIP_CHECK_STARTUP',
    message: `${name} did not ${check.type === 'startup' ? 'start' : 'become ready'}: ${sayFailing(failing)}.`,
    hint: `Look at its last lines with: slipway logs -a ${app} -p ${name}. See its checks with: slipway checks -a ${app}`,
  };
}
