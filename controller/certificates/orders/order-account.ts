import { AcmeError } from '../../acme/problem.ts';
import type { CertificateOrder } from '../../domain/orders.ts';
import type { Store } from '../../store/port.ts';
import type { AcmeAccounts, OpenAccount } from './accounts.ts';

interface AccountDeps {
  readonly store: Pick<Store, 'tlsSettings'>;
  readonly accounts: Pick<AcmeAccounts, 'open'>;
}

/** An order goes on at the CA where it began, also when the settings changed. */
export async function openAccount(order: CertificateOrder, { store, accounts }: AccountDeps): Promise<OpenAccount> {
  return await accounts.open(order.directoryUrl ?? (await store.tlsSettings()).directoryUrl);
}

/** @throws AcmeError when it is not known */
export function requireUrl({ orderUrl }: CertificateOrder): string {
  if (orderUrl !== undefined) return orderUrl;
  const detail = 'the URL of the order is not known';
  throw new AcmeError({ type: 'badAnswer', status: 0, detail, subproblems: [] });
}
