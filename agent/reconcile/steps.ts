import type { Assignment } from '../../shared/domain/assignment.ts';

/** The arguments of each step an instance can take; the executor table and the descriptions must cover exactly these. */
export interface StepArgs {
  /** Get the layers onto this machine. */
  fetch: { readonly assignment: Assignment };
  /** Mount, prepare the sandbox, start the process. */
  launch: { readonly assignment: Assignment };
  /** Wait until the process answers, fails or takes too long. */
  gate: { readonly assignment: Assignment };
  /** Take note of an ended process and clear its sandbox away. */
  bury: { readonly assignment: Assignment };
  /** Let open requests finish (the proxy sends no new ones). */
  drain: object;
  /** SIGTERM, wait, SIGKILL. */
  terminate: object;
  /** Remove the sandbox and everything of it. */
  destroy: object;
  /** Drop the last traces: log, record, proxy slot. */
  forget: object;
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
  bury: 'clear away the ended process of',
  drain: 'drain',
  terminate: 'stop',
  destroy: 'remove the sandbox of',
  forget: 'forget',
};

/** One line for logs and golden tests, e.g. `start web.1 of shop v12`. */
export function describeStep(step: Step): string {
  const of = 'assignment' in step ? step.assignment : undefined;
  const name =
    of === undefined ? step.instanceId : `${of.processType}.${String(of.ordinal)} of ${of.app} v${String(of.release)}`;
  return `${DESCRIPTIONS[step.kind]} ${name}`;
}
