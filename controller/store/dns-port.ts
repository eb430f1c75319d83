import type { ChallengeRecord, DnsProvider } from '../domain/dns-providers.ts';

/** Records that no order needs any more. */
export interface StaleRecords {
  readonly due: readonly ChallengeRecord[];
  /** When the next of the others is due. */
  readonly nextMs: number | undefined;
}

/** Part of the store: certificates by DNS-01. The secrets of providers are encrypted with the key of the config values. */
export interface DnsStore {
  /** By name. */
  dnsProviders(): Promise<readonly DnsProvider[]>;
  /** @throws SLIP_DNS_PROVIDER_EXISTS, SLIP_DNS_ZONE_TAKEN, SLIP_DNS_PROVIDERS (too many) */
  addDnsProvider(provider: Omit<DnsProvider, 'createdAtMs'>): Promise<void>;
  /** Also forgets the records that it has not removed yet. @returns these records. Undefined: there is no such provider */
  removeDnsProvider(name: string): Promise<readonly ChallengeRecord[] | undefined>;
  /** From now on, the provider may have this record. */
  addChallengeRecord(record: Omit<ChallengeRecord, 'failures'>): Promise<void>;
  challengeRecords(orderId: string): Promise<readonly ChallengeRecord[]>;
  /** For each provider: how many records it may have now. */
  challengeRecordCounts(): Promise<ReadonlyMap<string, number>>;
  /** Records of orders that are gone, or that need them no more. */
  staleRecords(nowMs: number): Promise<StaleRecords>;
  /** A removal failed. */
  postponeRecord(record: ChallengeRecord, untilMs: number): Promise<void>;
  /** The provider has removed the record. */
  removeChallengeRecord(record: ChallengeRecord): Promise<void>;
}
