import type { Reason } from '../../../shared/domain/instance.ts';
import type { AcmeProblem } from '../../domain/acme-problem.ts';
import type { IssuedCertificate } from '../../domain/issued.ts';
import type { CertificateOrder } from '../../domain/orders.ts';

/** What decides about a revocation. */
export interface RevocationFacts {
  /** Of the name. Undefined: the domain is gone, or its automatic certificates are off. */
  readonly order: CertificateOrder | undefined;
  /** Every connected node serves the certificate of the order. */
  readonly isServed: boolean;
}

/** `orderAgain`: a successor with a new key is needed. `begin`: nothing serves it any more. `wait`: its successor is on the way. */
type RevocationStep = 'orderAgain' | 'begin' | 'revoke' | 'wait';

const MINUTE_MS = 60_000;
const FAILURE_DELAYS_MS = [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS, 24 * 60 * MINUTE_MS];
const LOOK_MS = 2_000;
const LOOK_MAX_MS = 10 * MINUTE_MS;

export function nextStep(issued: IssuedCertificate, { order, isServed }: RevocationFacts): RevocationStep {
  if (order !== undefined && isCurrent(issued, order) && ['serving', 'delivering'].includes(order.state))
    return 'orderAgain';
  if (issued.state === 'revoking') return 'revoke';
  const isReplaced = order?.id !== issued.id || (isServed && !isCurrent(issued, order));
  return isReplaced ? 'begin' : 'wait';
}

function isCurrent({ id, fingerprint }: IssuedCertificate, order: CertificateOrder): boolean {
  return order.id === id && order.certificate?.fingerprint === fingerprint;
}

/** The order of a certificate that needs a successor. The key of an order is always new. */
export function orderAgain(order: CertificateOrder, nowMs: number): CertificateOrder {
  const { certificate } = order;
  // The CA offers renewal information, so the order counts for no limit.
  const replaces = certificate?.window === undefined ? undefined : certificate.ariId;
  const again = { ...order, replaces, orderUrl: undefined, problem: undefined, failures: 0 };
  return { ...again, state: 'needed', sinceMs: nowMs, dueAtMs: nowMs };
}

export function begin(issued: IssuedCertificate, nowMs: number): IssuedCertificate {
  return { ...issued, state: 'revoking', sinceMs: nowMs, dueAtMs: nowMs };
}

/** Looks again soon at first, and more seldom later. */
export function lookAgain(issued: IssuedCertificate, nowMs: number): IssuedCertificate {
  const pauseMs = Math.min(Math.max((nowMs - issued.sinceMs) / 10, LOOK_MS), LOOK_MAX_MS);
  return { ...issued, dueAtMs: Math.round(nowMs + pauseMs) };
}

/** @param problem undefined: the CA revoked it */
export function afterRequest(
  issued: IssuedCertificate,
  problem: AcmeProblem | undefined,
  nowMs: number,
): IssuedCertificate {
  if (problem === undefined || problem.type === 'alreadyRevoked')
    return { ...issued, state: 'revoked', sinceMs: nowMs, dueAtMs: nowMs, problem: undefined };
  const { failures } = issued;
  const delayMs = FAILURE_DELAYS_MS[Math.min(failures, FAILURE_DELAYS_MS.length - 1)] ?? LOOK_MAX_MS;
  const pauseMs = Math.max(problem.retryAfterMs ?? delayMs, MINUTE_MS);
  return { ...issued, failures: failures + 1, dueAtMs: nowMs + pauseMs, problem: describe(issued, problem) };
}

function describe({ hostname }: IssuedCertificate, problem: AcmeProblem): Reason {
  const detail = problem.detail.replace(/\.$/, '');
  return {
    code: 'SLIP_CERT_NOT_REVOKED',
    message: `The certificate authority has not revoked the certificate of ${hostname} yet (${problem.type}): ${detail}.`,
    hint: 'Slipway tries again by itself. If this happens again, look at the log of the controller.',
  };
}
