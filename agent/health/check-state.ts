import { checkLabel, type HealthCheck } from '../../shared/domain/health-check.ts';
import type { CheckResult, Reason } from '../../shared/domain/instance.ts';
import type { ProbeAnswer } from './port.ts';

// The verdicts of health checks about one process. Pure.

/** What one check knows about a process. */
export interface CheckState {
  /** Failures in a row, at most the attempts of the check. */
  readonly failures: number;
  /** False after as many failures as the check has attempts; true again after one success. */
  readonly passed: boolean;
  /** The last attempt. */
  readonly lastPassed: boolean;
  readonly answer: string;
  /** Since when it has this verdict. Wall clock. */
  readonly sinceMs: number;
}

/** A check that has failed. It is written to the disk, so a restart of the agent keeps it. */
export interface FailingCheck {
  /** From {@link checkKey}. */
  readonly key: string;
  readonly type: 'readiness' | 'liveness';
  readonly label: string;
  readonly answer: string;
  readonly failures: number;
  readonly sinceMs: number;
}

/** The checks that run for as long as the process. Startup checks run only before. */
export function lastingChecks(checks: readonly HealthCheck[] = []): readonly HealthCheck[] {
  return checks.filter(({ type }) => type !== 'startup');
}

/** Two checks of one process type can have the same name. */
export function checkKey(check: HealthCheck, index: number): string {
  return `${String(index)} ${checkLabel(check)}`;
}

/** The state after one more attempt. Without a former state, the check counts as passed. */
export function afterAnswer(
  check: Pick<HealthCheck, 'attempts'>,
  before: CheckState | undefined,
  { answer, passed, nowMs }: ProbeAnswer & { readonly nowMs: number },
): CheckState {
  const failures = passed ? 0 : Math.min(check.attempts, (before?.failures ?? 0) + 1);
  const verdict = passed || (failures < check.attempts && (before?.passed ?? true));
  const sinceMs = before?.passed === verdict ? before.sinceMs : nowMs;
  return { failures, passed: verdict, lastPassed: passed, answer, sinceMs };
}

/** A readiness check of a restarted process: the instance gets no requests before it passes. */
export function notYetReady(checks: readonly HealthCheck[] = [], nowMs: number): readonly FailingCheck[] {
  return lastingChecks(checks).flatMap((check, index) =>
    check.type !== 'readiness'
      ? []
      : [failing(check, index, { failures: check.attempts, answer: NOT_YET, sinceMs: nowMs })],
  );
}

const NOT_YET = 'it has not passed since the restart';

export function failingChecks(
  checks: readonly HealthCheck[],
  states: ReadonlyMap<string, CheckState>,
): readonly FailingCheck[] {
  return checks.flatMap((check, index) => {
    const state = states.get(checkKey(check, index));
    return state === undefined || state.passed ? [] : [failing(check, index, state)];
  });
}

function failing(
  check: HealthCheck,
  index: number,
  { failures, answer, sinceMs }: Pick<CheckState, 'failures' | 'answer' | 'sinceMs'>,
): FailingCheck {
  const type = check.type === 'liveness' ? 'liveness' : 'readiness';
  return { key: checkKey(check, index), type, label: checkLabel(check), answer, failures, sinceMs };
}

export function resultsOf(
  checks: readonly HealthCheck[],
  states: ReadonlyMap<string, CheckState>,
): readonly CheckResult[] {
  return checks.flatMap((check, index) => {
    const state = states.get(checkKey(check, index));
    if (state === undefined) return [];
    const { passed, lastPassed, answer, sinceMs } = state;
    return [{ check: checkLabel(check), passed, lastPassed, answer, sinceMs }];
  });
}

/** The same checks fail. */
export function isSameVerdict(one: readonly FailingCheck[], other: readonly FailingCheck[]): boolean {
  return one.length === other.length && one.every(({ key }) => other.some((each) => each.key === key));
}

/** `readiness check /up failed 3 times: it answered 503`, for a sentence. */
export function sayFailing({ label, failures, answer }: FailingCheck): string {
  if (answer === NOT_YET) return `${label} ${NOT_YET.replace('it ', '')}`;
  return `${label} failed ${failures === 1 ? 'once' : `${String(failures)} times`}: ${answer}`;
}

interface Named {
  /** `web.1` */
  readonly name: string;
  readonly app: string;
}

/** The reason for users while checks fail. Undefined: none fails. */
export function failingReason(about: Named, all: readonly FailingCheck[]): Reason | undefined {
  return livenessReason(about, all) ?? readinessReason(about, all);
}

/** Why an instance is restarted. Undefined: its liveness checks pass. */
export function livenessReason({ name, app }: Named, all: readonly FailingCheck[]): Reason | undefined {
  const first = all.find(({ type }) => type === 'liveness');
  if (first === undefined) return undefined;
  return {
    code: 'SLIP_CHECK_LIVENESS',
    message: `${name} is restarted: ${sayFailing(first)}.`,
    hint: `Look at its last lines with: slipway logs -a ${app} -p ${name}`,
  };
}

function readinessReason({ name, app }: Named, [first]: readonly FailingCheck[]): Reason | undefined {
  if (first === undefined) return undefined;
  return {
    code: 'SLIP_CHECK_READINESS',
    message: `${name} gets no requests: ${sayFailing(first)}.`,
    hint: `See its checks with: slipway checks -a ${app}`,
  };
}
