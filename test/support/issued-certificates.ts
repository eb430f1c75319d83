import type { IssuedCertificate } from '../../controller/domain/issued.ts';
import type { CertificateOrder, OrderedCertificate } from '../../controller/domain/orders.ts';
import type { Store } from '../../controller/store/port.ts';
import type { AppId, CertificateId } from '../../shared/domain/ids.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';

export const DIRECTORY_URL = 'https://ca.test/dir';

/** A certificate of a CA in the store, with its order in the state `serving`. */
export async function addIssued(
  store: Store,
  appId: AppId,
  { hostname, fingerprint }: { readonly hostname: string; readonly fingerprint: string },
): Promise<CertificateOrder> {
  await store.addDomain(appId, hostname);
  let from = await store.addCertificateOrder(hostname);
  const [notBeforeMs, notAfterMs] = [Date.now(), Date.now() + 90 * 24 * 60 * 60_000];
  const certificate: OrderedCertificate = {
    ...{ fingerprint, notBeforeMs, notAfterMs, ariId: undefined, renewAtMs: notAfterMs, window: undefined },
  };
  for (const state of ['checking', 'ordered', 'finalizing', 'issued', 'delivering', 'serving'] as const) {
    const order: CertificateOrder = { ...from, state, directoryUrl: DIRECTORY_URL, certificate, dueAtMs: notAfterMs };
    await store.moveOrder(from, { order, uses: [] }, new Sensitive('key'));
    from = order;
  }
  await store.saveCertificate({
    ...{ id: from.id, appId, kind: 'acme', names: [hostname], fingerprint, notBeforeMs, notAfterMs },
    ...{ chainPem: 'chain', keyPem: new Sensitive('key') },
  });
  return from;
}

/** A certificate of a CA that nobody wants revoked. */
export function anIssued(fields: Partial<IssuedCertificate> = {}): IssuedCertificate {
  return {
    ...{ fingerprint: 'f1', id: 'certificate1' as CertificateId, hostname: 'shop.example.com', failures: 0 },
    ...{ directoryUrl: DIRECTORY_URL, notAfterMs: 90 * 24 * 60 * 60_000, state: 'valid', sinceMs: 0, dueAtMs: 0 },
    ...{ reason: undefined, cause: undefined, problem: undefined, ...fields },
  };
}
