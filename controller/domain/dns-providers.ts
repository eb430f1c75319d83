import { isInZone, type DnsProviderKind } from '../../shared/domain/dns-provider.ts';
import type { Sensitive } from '../../shared/kit/sensitive.ts';

/** Somebody who adds TXT records for this fleet, so that it gets certificates by DNS-01 (RFC 8555, 8.4). */
export interface DnsProvider {
  readonly name: string;
  readonly kind: DnsProviderKind;
  /** The provider is used for this domain and all names below it. */
  readonly zone: string;
  /** The zone that has the records. It differs from `zone` when `_acme-challenge` names are aliases (CNAME) into another zone. */
  readonly recordZone: string;
  /** Settings of its kind, without secrets. */
  readonly settings: Readonly<Record<string, string>>;
  readonly secret: Sensitive | undefined;
  readonly createdAtMs: number;
}

/** A TXT record that an order needs. It is stored before the provider adds it, and until the provider has removed it. */
export interface ChallengeRecord {
  /** The id of the order. */
  readonly orderId: string;
  readonly provider: string;
  readonly name: string;
  readonly value: string;
  /** Removals that failed, in a row. */
  readonly failures: number;
}

/** A certificate authority gives certificates for wildcards only by DNS-01. */
export function needsDns(hostname: string): boolean {
  return hostname.startsWith('*.');
}

/** The name of the TXT record, before aliases (RFC 8555, 8.4). */
export function challengeNameOf(hostname: string): string {
  return `_acme-challenge.${withoutStar(hostname)}`;
}

export function withoutStar(hostname: string): string {
  return hostname.replace(/^\*\./, '');
}

/** The provider with the longest zone that has this name. */
export function providerFor<T extends Pick<DnsProvider, 'zone'>>(
  providers: readonly T[],
  hostname: string,
): T | undefined {
  const covering = providers.filter(({ zone }) => isInZone(withoutStar(hostname), zone));
  return covering.sort((a, b) => b.zone.length - a.zone.length)[0];
}
