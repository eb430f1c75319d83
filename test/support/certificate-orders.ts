import type { CertificateOrder } from '../../controller/domain/orders.ts';
import type { AppId, CertificateId } from '../../shared/domain/ids.ts';

export const DAY_MS = 24 * 60 * 60_000;

/** An order at its beginning. */
export function anOrder(fields: Partial<CertificateOrder> = {}): CertificateOrder {
  return {
    ...{ id: 'certificate1' as CertificateId, appId: 'app00000' as AppId, hostname: 'shop.example.com' },
    ...{ state: 'needed', sinceMs: 0, dueAtMs: 0, resume: undefined, failures: 0, directoryUrl: undefined },
    ...{ orderUrl: undefined, replaces: undefined, problem: undefined, certificate: undefined, ...fields },
  };
}

/** A certificate of 90 days that begins at 0. */
export const CERTIFICATE: NonNullable<CertificateOrder['certificate']> = {
  ...{ fingerprint: 'f1', notBeforeMs: 0, notAfterMs: 90 * DAY_MS, ariId: undefined, renewAtMs: 60 * DAY_MS },
  window: undefined,
};

export const BLOCKED = { code: 'SLIP_CERT_ADDRESS', message: 'It is elsewhere.', hint: 'Move it.' };
