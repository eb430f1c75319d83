import type {
  DnsProviderAddedBody,
  DnsProviderBody,
  DnsProviderRemovedBody,
} from '../../../shared/api/dns-providers.ts';
import type { NewProvider } from '../../certificates/dns/dns-providers.ts';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'store' | 'dnsProviders' | 'automaticCertificates' | 'log'>;

export async function listDnsProviders({ store }: Pick<ApiDeps, 'store'>): Promise<readonly DnsProviderBody[]> {
  const counts = await store.challengeRecordCounts();
  return (await store.dnsProviders()).map((provider) => view(provider, counts.get(provider.name) ?? 0));
}

/** Also orders the certificates of wildcards that have a provider now. */
export async function addDnsProvider(deps: Deps, user: User, input: NewProvider): Promise<DnsProviderAddedBody> {
  const { provider, aliasTarget } = await deps.dnsProviders.add(input);
  const { name, kind, zone } = provider;
  note(deps, user, `${user.name} added the DNS provider ${name} (${kind}) for ${zone}.`);
  await deps.automaticCertificates.orderMissing();
  return { ...view(provider, 0), ...(aliasTarget === undefined ? {} : { aliasTarget }) };
}

/** @throws SLIP_DNS_PROVIDER_NOT_FOUND */
export async function removeDnsProvider(deps: Deps, user: User, name: string): Promise<DnsProviderRemovedBody> {
  const left = await deps.dnsProviders.remove(name);
  note(deps, user, `${user.name} removed the DNS provider ${name}.`);
  return { name, left: left.map((record) => ({ name: record.name, value: record.value })) };
}

function note(deps: Deps, { name: actor }: User, message: string): void {
  noteEvent(deps, { kind: 'tls.dns', actor, message, next: 'slipway tls:dns' });
}

function view(provider: DnsProvider, records: number): DnsProviderBody {
  const { name, kind, zone, recordZone, settings, createdAtMs } = provider;
  return { name, kind, zone, recordZone, settings, createdAtMs, records };
}
