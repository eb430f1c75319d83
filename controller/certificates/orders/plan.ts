import type { Reason } from '../../../shared/domain/instance.ts';
import type { OrderState } from '../../../shared/domain/states.ts';
import { isTemporary, type AcmeProblem } from '../../domain/acme-problem.ts';
import { needsDns } from '../../domain/dns-providers.ts';
import type { AcmeUse, CertificateOrder, OrderedCertificate } from '../../domain/orders.ts';
import { describeProblem, needsPerson } from './problems.ts';
import { planRenewal, renewalTime } from './renewal-plan.ts';

/** Time and chance, for a decision. */
export interface Moment {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
}

/** What a step found out. */
export type StepResult =
  /** The checks before an order passed. `uses` counts for the budgets from now on. */
  | {
      readonly kind: 'passed';
      readonly uses: readonly AcmeUse[];
      readonly directoryUrl: string;
      readonly replaces: string | undefined;
    }
  /** The order cannot continue before a person changes something. */
  | { readonly kind: 'refused'; readonly reason: Reason }
  | { readonly kind: 'postponed'; readonly untilMs: number; readonly reason: Reason }
  | { readonly kind: 'order'; readonly order: OrderView }
  /** DNS-01: the provider has added the TXT records. */
  | { readonly kind: 'presented' }
  /** DNS-01: why not every name server has the records. Undefined: all have them. */
  | { readonly kind: 'propagation'; readonly missing: Reason | undefined }
  /** A step failed for a reason that may pass. It is taken again later. */
  | { readonly kind: 'failed'; readonly reason: Reason }
  /** The CA was told that our answer is in place. */
  | { readonly kind: 'answered' }
  | {
      readonly kind: 'saved';
      readonly certificate: Omit<OrderedCertificate, 'renewAtMs' | 'window'>;
      readonly uses: readonly AcmeUse[];
    }
  | { readonly kind: 'delivered'; readonly everywhere: boolean }
  | { readonly kind: 'renewal'; readonly window: OrderedCertificate['window'] }
  | { readonly kind: 'problem'; readonly problem: AcmeProblem }
  /** An error of the controller itself, for example of its disk. */
  | { readonly kind: 'unexpected'; readonly reason: Reason };

/** The order as the CA has it. */
export interface OrderView {
  readonly url: string;
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly retryAfterMs: number | undefined;
  /** Of an invalid order. */
  readonly problem: AcmeProblem | undefined;
}

/** The row after a step, and what the step used of the budgets. Both are written in one transaction. */
export interface OrderMove {
  readonly order: CertificateOrder;
  readonly uses: readonly AcmeUse[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const FAILURE_DELAYS_MS = [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS, DAY_MS];
const BLOCKED_DELAYS_MS = [MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS, DAY_MS];
/** Later tries spread out by up to a tenth. */
const JITTER = 0.1;
/** The pause between two looks at an order that the CA works on. */
const LOOK_MS = 2_000;
const LOOK_MIN_MS = 1_000;
/** The pause between two looks at the name servers, and the time in which all must have a record. */
const PROPAGATION_LOOK_MS = 5_000;
const PROPAGATION_MAX_MS = 10 * MINUTE_MS;
const LOOK_MAX_MS = 10 * MINUTE_MS;
/** A CA that needs longer than this for one state is given up, and the order starts again. */
const STATE_MAX_MS = 2 * 60 * MINUTE_MS;
/** So often an unexpected error repeats the same step. */
const SAME_STEP_TRIES = 3;
export const ORDERS_AT_ONCE = 10;

/**
 * The due orders that go on now. A new one needs a free place; renewals come first, the one that ends soonest before the others.
 * @param busy orders that have a place
 */
export function chooseOrders(due: readonly CertificateOrder[], busy: number): readonly CertificateOrder[] {
  const [goOn, start] = [due.filter((order) => !needsPlace(order)), due.filter(needsPlace)];
  const urgent = start.sort((a, b) => endOf(a) - endOf(b) || a.sinceMs - b.sinceMs);
  return [...goOn, ...urgent.slice(0, Math.max(0, ORDERS_AT_ONCE - busy))];
}

function needsPlace({ state, resume }: CertificateOrder): boolean {
  return state === 'needed' || (state === 'waiting' && resume === 'checking');
}

function endOf({ certificate }: CertificateOrder): number {
  return certificate?.notAfterMs ?? Number.MAX_SAFE_INTEGER;
}

/** The move of a due order that needs no step. Undefined: a step must be taken first. */
export function moveWithoutStep(order: CertificateOrder, { nowMs }: Moment): CertificateOrder | undefined {
  if (order.state === 'needed') return enter(order, 'checking', nowMs);
  if (order.state === 'blocked') return enter(order, 'needed', nowMs);
  if (order.state === 'waiting') return enter({ ...order, resume: undefined }, order.resume ?? 'needed', nowMs);
  return undefined;
}

export function afterStep(order: CertificateOrder, result: StepResult, moment: Moment): OrderMove {
  if (result.kind === 'order') return afterLook(order, result.order, moment);
  if (result.kind === 'unexpected') return { order: afterUnexpected(order, result.reason, moment), uses: [] };
  const uses = result.kind === 'passed' || result.kind === 'saved' ? result.uses : [];
  return { order: nextRow(order, result, moment), uses };
}

function nextRow(
  order: CertificateOrder,
  result: Exclude<StepResult, { readonly kind: 'order' | 'unexpected' }>,
  moment: Moment,
): CertificateOrder {
  const { nowMs } = moment;
  switch (result.kind) {
    case 'passed':
      return enter(
        { ...order, directoryUrl: result.directoryUrl, replaces: result.replaces, orderUrl: undefined },
        'ordered',
        nowMs,
      );
    case 'refused':
      return block(order, result.reason, moment);
    case 'postponed':
      return wait(order, { untilMs: result.untilMs, problem: result.reason, resume: 'needed' }, nowMs);
    case 'answered':
      return enter(order, 'validating', nowMs);
    case 'saved':
      return afterSave(order, result.certificate, moment);
    case 'delivered':
      return result.everywhere ? serve(order, nowMs) : goOnDelivering(order, moment);
    case 'renewal':
      return planRenewal(order, result.window, moment);
    case 'problem':
      return afterProblem(order, result.problem, moment);
    default:
      return afterDns(order, result, moment);
  }
}

function afterDns(
  order: CertificateOrder,
  result: Extract<StepResult, { readonly kind: 'presented' | 'propagation' | 'failed' }>,
  moment: Moment,
): CertificateOrder {
  if (result.kind === 'presented') return enter(order, 'propagating', moment.nowMs);
  if (result.kind === 'propagation') return afterPropagation(order, result.missing, moment);
  return tryLater(order, { problem: result.reason }, moment);
}

/** The state of the order at the CA decides, whatever we did last. So it does not matter which of our answers was lost. */
function afterLook(row: CertificateOrder, order: OrderView, moment: Moment): OrderMove {
  const { nowMs } = moment;
  const known = { ...row, orderUrl: order.url };
  const move = (state: OrderState): OrderMove => ({ order: enter(known, state, nowMs), uses: [] });
  if (order.status === 'invalid') return afterInvalid(known, order, moment);
  if (order.status === 'valid' && row.state === 'finalizing') return move('issued');
  if (order.status === 'pending' && row.state === 'ordered') return move(answeringState(row));
  if (order.status === 'ready' && ['ordered', 'validating'].includes(row.state)) return move('finalizing');
  if (nowMs - row.sinceMs > STATE_MAX_MS) return { order: startAgain(known, tooSlow(row), moment), uses: [] };
  const pauseMs = Math.min(Math.max(order.retryAfterMs ?? LOOK_MS, LOOK_MIN_MS), LOOK_MAX_MS);
  return { order: { ...known, dueAtMs: nowMs + pauseMs }, uses: [] };
}

function answeringState({ hostname }: CertificateOrder): OrderState {
  return needsDns(hostname) ? 'presenting' : 'answering';
}

function afterInvalid(row: CertificateOrder, { problem }: OrderView, moment: Moment): OrderMove {
  const found = problem ?? { type: 'unknown', status: 0, detail: 'the order became invalid', subproblems: [] };
  const order = startAgain(row, describeProblem(row.hostname, found), moment);
  return { order, uses: [{ kind: 'failures', key: row.hostname }] };
}

function afterSave(
  order: CertificateOrder,
  certificate: Omit<OrderedCertificate, 'renewAtMs' | 'window'>,
  { nowMs, random }: Moment,
): CertificateOrder {
  const renewAtMs = renewalTime(certificate, random);
  const saved = { ...order, certificate: { ...certificate, renewAtMs, window: undefined }, failures: 0 };
  return enter({ ...saved, replaces: undefined, problem: undefined }, 'delivering', nowMs);
}

function serve(order: CertificateOrder, nowMs: number): CertificateOrder {
  return enter({ ...order, orderUrl: undefined, problem: undefined }, 'serving', nowMs);
}

/** A node that cannot serve the certificate, for example because its port is taken, must not prevent the renewal. */
function goOnDelivering(order: CertificateOrder, moment: Moment): CertificateOrder {
  const { nowMs } = moment;
  const renewed = planRenewal(order, order.certificate?.window, moment);
  if (renewed.state === 'needed') return renewed;
  const pauseMs = Math.min(Math.max((nowMs - order.sinceMs) / 10, LOOK_MS), LOOK_MAX_MS);
  return { ...order, dueAtMs: Math.round(nowMs + pauseMs) };
}

function afterProblem(order: CertificateOrder, problem: AcmeProblem, moment: Moment): CertificateOrder {
  const { nowMs } = moment;
  // Renewal information is only advice: without it, the life of the certificate decides.
  if (order.state === 'serving') return planRenewal(order, order.certificate?.window, moment);
  // RFC 9773, 5: a CA refuses the replacement of a certificate that has a successor, or that it does not know. Then it replaces nothing.
  if (order.state === 'ordered' && order.replaces !== undefined && !isTemporary(problem)) {
    return { ...order, replaces: undefined, dueAtMs: nowMs };
  }
  const reason = describeProblem(order.hostname, problem);
  if (needsPerson(problem)) return block(order, reason, moment);
  if (!isTemporary(problem)) return startAgain(order, reason, moment);
  return tryLater(order, { problem: reason, retryAfterMs: problem.retryAfterMs }, moment);
}

function afterPropagation(order: CertificateOrder, missing: Reason | undefined, moment: Moment): CertificateOrder {
  const { nowMs } = moment;
  if (missing === undefined) return enter(order, 'answering', nowMs);
  if (nowMs - order.sinceMs >= PROPAGATION_MAX_MS) return startAgain(order, missing, moment);
  return { ...order, dueAtMs: nowMs + PROPAGATION_LOOK_MS };
}

/** The same step again, after a wait. */
function tryLater(
  order: CertificateOrder,
  { problem, retryAfterMs }: { readonly problem: Reason; readonly retryAfterMs?: number | undefined },
  moment: Moment,
): CertificateOrder {
  const untilMs = moment.nowMs + waitOf({ retryAfterMs }, order, moment);
  const failed = { ...order, failures: order.failures + 1 };
  return wait(failed, { untilMs, problem, resume: order.state }, moment.nowMs);
}

/** The same step is tried again. After some failures the order starts again, because its key may be what cannot be read. */
function afterUnexpected(order: CertificateOrder, reason: Reason, moment: Moment): CertificateOrder {
  if (order.state === 'serving') return planRenewal(order, order.certificate?.window, moment);
  if (order.state === 'delivering') return goOnDelivering(order, moment);
  if (order.failures >= SAME_STEP_TRIES) return startAgain(order, reason, moment);
  return tryLater(order, { problem: reason }, moment);
}

/** The CA can name a time of the past, and then it would be asked without a pause. */
function waitOf(
  { retryAfterMs }: Pick<AcmeProblem, 'retryAfterMs'>,
  { failures }: CertificateOrder,
  { random }: Moment,
): number {
  return retryAfterMs === undefined ? delay(FAILURE_DELAYS_MS, failures, random) : Math.max(retryAfterMs, MINUTE_MS);
}

/** The order at the CA cannot be used any more. */
function startAgain(order: CertificateOrder, problem: Reason, { nowMs, random }: Moment): CertificateOrder {
  const untilMs = nowMs + delay(FAILURE_DELAYS_MS, order.failures, random);
  const failed = { ...order, failures: order.failures + 1, orderUrl: undefined };
  return wait(failed, { untilMs, problem, resume: 'needed' }, nowMs);
}

function block(order: CertificateOrder, problem: Reason, { nowMs, random }: Moment): CertificateOrder {
  const blocked = { ...order, problem, failures: order.failures + 1, orderUrl: undefined };
  const dueAtMs = nowMs + delay(BLOCKED_DELAYS_MS, order.failures, random);
  return { ...enter(blocked, 'blocked', nowMs), dueAtMs };
}

function wait(
  order: CertificateOrder,
  { untilMs, problem, resume }: { untilMs: number; problem: Reason; resume: OrderState },
  nowMs: number,
): CertificateOrder {
  return { ...enter(order, 'waiting', nowMs), dueAtMs: untilMs, problem, resume };
}

function enter(order: CertificateOrder, state: OrderState, nowMs: number): CertificateOrder {
  return { ...order, state, sinceMs: nowMs, dueAtMs: nowMs };
}

function delay(delaysMs: readonly number[], failures: number, random: number): number {
  const stepMs = delaysMs[Math.min(failures, delaysMs.length - 1)] ?? DAY_MS;
  return Math.round(stepMs * (1 + random * JITTER));
}

function tooSlow({ hostname, state }: CertificateOrder): Reason {
  return {
    code: 'SLIP_CERT_CA_SLOW',
    message: `The certificate authority did not finish the order for ${hostname} in two hours (${state}).`,
    hint: `Slipway orders again by itself. See it with: slipway why ${hostname}`,
  };
}
