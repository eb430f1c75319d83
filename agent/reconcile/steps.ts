import type { FailingCheck } from '../health/check-state.ts';
import { instanceName, type Assignment } from '../../shared/domain/assignment.ts';

/** The arguments of each step an instance can take; the executor table and the descriptions must cover exactly these. */
export interface StepArgs {
  /** Get the layers onto this machine. */
  fetch: { readonly assignment: Assignment };
  /** Mount, prepare the sandbox, start the process. */
  launch: { readonly assignment: Assignment };
  /** Wait until the process answers, fails or takes too long. */
  gate: { readonly assignment: Assignment };
  /** Record which health checks fail. The routes follow the record. */
  mark: { readonly assignment: Assignment; readonly failing: readonly FailingCheck[] };
  /** End the process whose liveness check failed. It starts again as after a crash. */
  restart: { readonly assignment: Assignment };
  /** Record how the process ended, and remove its sandbox. */
  reap: { readonly assignment: Assignment };
  /** Let open requests finish (the proxy sends no new ones). */
  drain: object;
  /** SIGTERM, wait, SIGKILL. */
  terminate: object;
  /** Remove the sandbox and everything of it. */
  destroy: object;
  /** Remove everything that is left of the instance: proxy slot, record, old logs, a half-made sandbox. */
  remove: object;
}

export type StepKind = keyof StepArgs;
export type Step = { [K in StepKind]: { readonly kind: K; readonly instanceId: string } & StepArgs[K] }[StepKind];
export type Executors = {
  readonly [K in StepKind]: (step: Extract<Step, { kind: K }>, signal: AbortSignal) => Promise<void>;
};

const DESCRIPTIONS: Readonly<Record<StepKind, string>> = {
  fetch: 'fetch the layers of',
  launch: 'start',
  gate: 'wait for the port of',
  mark: 'record the health of',
  restart: 'restart the unhealthy process of',
  reap: 'clean up the ended process of',
  drain: 'drain',
  terminate: 'stop',
  destroy: 'remove the sandbox of',
  remove: 'remove',
};

/** One line for logs and golden tests, e.g. `start web.1 of shop v12`. */
export function describeStep(step: Step): string {
  return `${DESCRIPTIONS[step.kind]} ${'assignment' in step ? describeAssignment(step.assignment) : step.instanceId}`;
}

function describeAssignment(assignment: Assignment): string {
  return `${instanceName(assignment)} of ${assignment.app} v${String(assignment.release)}`;
}
