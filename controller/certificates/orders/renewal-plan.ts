import type { CertificateOrder, OrderedCertificate } from '../../domain/orders.ts';

type Life = Pick<OrderedCertificate, 'notBeforeMs' | 'notAfterMs'>;

const DAY_MS = 24 * 60 * 60_000;
/** Certificates with a shorter life are renewed at half of it. */
const SHORT_LIFE_MS = 10 * DAY_MS;
/** Renewals of certificates that were made together spread out over this part of the life. */
const SPREAD = 1 / 30;
/** From here on, the advice of the CA to wait is ignored. */
const LAST_PART = 1 / 20;
/** The CA is asked for its window twice a day, at times that spread out. */
const LOOK_MS = DAY_MS / 2;
/** A new certificate serves for so long before the next order, whatever our clock and the CA say. */
const SERVES_MIN_MS = 60 * 60_000;
/** A renewal that is overdue for this long is a problem of the fleet, or an eighth of the life when that is shorter. */
const LATE_MS = DAY_MS;

/** Without advice of the CA: when a third of the life is left. */
export function renewalTime({ notBeforeMs, notAfterMs }: Life, random: number): number {
  const lifeMs = notAfterMs - notBeforeMs;
  const leftMs = lifeMs < SHORT_LIFE_MS ? lifeMs / 2 : lifeMs / 3;
  return Math.round(notAfterMs - leftMs - random * SPREAD * lifeMs);
}

/**
 * The next look at a certificate that serves, or its renewal.
 * @param window what the CA suggests (RFC 9773, 4.2); undefined: nothing
 */
export function planRenewal(
  order: CertificateOrder,
  window: OrderedCertificate['window'],
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): CertificateOrder {
  if (order.certificate === undefined) return { ...order, state: 'needed', sinceMs: nowMs, dueAtMs: nowMs };
  const certificate = withWindow(order.certificate, window, random);
  const lifeMs = certificate.notAfterMs - certificate.notBeforeMs;
  const { renewAtMs, ariId } = certificate;
  const nextMs = Math.max(renewAtMs, order.sinceMs + Math.min(SERVES_MIN_MS, lifeMs / 10));
  if (nowMs >= nextMs) {
    const replaces = window === undefined ? undefined : ariId;
    return { ...order, certificate, replaces, failures: 0, state: 'needed', sinceMs: nowMs, dueAtMs: nowMs };
  }
  const lookMs = Math.min(LOOK_MS, lifeMs / 10) * (0.9 + random / 5);
  return { ...order, certificate, dueAtMs: Math.round(Math.min(nextMs, nowMs + lookMs)) };
}

/** The time is drawn once for each window, so that asking again does not move it. */
function withWindow(
  certificate: OrderedCertificate,
  window: OrderedCertificate['window'],
  random: number,
): OrderedCertificate {
  const { window: known, notBeforeMs, notAfterMs } = certificate;
  if (window === undefined || (window.startMs === known?.startMs && window.endMs === known.endMs)) return certificate;
  const drawnMs = Math.round(window.startMs + random * (window.endMs - window.startMs));
  const lastMs = notAfterMs - Math.round((notAfterMs - notBeforeMs) * LAST_PART);
  return { ...certificate, window, renewAtMs: Math.min(drawnMs, lastMs) };
}

/** True when the renewal should have happened long ago. */
export function isLate({ certificate, state }: CertificateOrder, nowMs: number): boolean {
  if (certificate === undefined || state === 'delivering') return false;
  const { notBeforeMs, notAfterMs, renewAtMs } = certificate;
  return nowMs >= renewAtMs + Math.min(LATE_MS, (notAfterMs - notBeforeMs) / 8);
}
