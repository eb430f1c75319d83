import type { AppId, UserId } from '../../shared/domain/ids.ts';
import type { Domain, DomainClaim, DomainHolder, KeptDomain, RoutedApp } from '../domain/domains.ts';

/** Part of the store: the domains of apps. */
export interface DomainStore {
  /**
   * A domain that is kept for another owner needs a proof. In the same transaction, the app of `takenFrom` loses the domain, and its owner
   * gets an event. @throws SLIP_DOMAIN_TAKEN when another app has it, or this one; SLIP_DOMAIN_KEPT, SLIP_DOMAIN_LIMIT,
   * SLIP_DOMAIN_TABLE, SLIP_QUOTA
   */
  addDomain(appId: AppId, hostname: string, claim?: DomainClaim): Promise<Domain>;
  /** The domain is kept for its owner. False when the app does not have it. */
  removeDomain(appId: AppId, hostname: string): Promise<boolean>;
  /** The domains are kept for their owner. @returns the number of removed domains */
  clearDomains(appId: AppId): Promise<number>;
  /** By name. */
  domainsOf(appId: AppId): Promise<readonly Domain[]>;
  /** Undefined: no app has it. */
  domain(hostname: string): Promise<Domain | undefined>;
  /** Undefined: nobody has it, and it is kept for nobody. */
  domainHolder(hostname: string): Promise<DomainHolder | undefined>;
  /** The domains that are kept for this owner, by name. */
  keptDomains(ownerId: UserId): Promise<readonly KeptDomain[]>;
  /** The key from which proofs of domains are derived. It never changes. */
  domainProofKey(): Promise<string>;
  /** Every app, or only this one. */
  routedApps(only?: AppId): Promise<readonly RoutedApp[]>;
}
