import type { AppId } from '../../shared/domain/ids.ts';
import type { Domain, RoutedApp } from '../domain/domains.ts';

/** Part of the store: the domains of apps. */
export interface DomainStore {
  /** @throws SLIP_DOMAIN_TAKEN when any app has it, this one included; SLIP_DOMAIN_LIMIT, SLIP_DOMAIN_TABLE, SLIP_QUOTA */
  addDomain(appId: AppId, hostname: string): Promise<Domain>;
  /** False when the app does not have it. */
  removeDomain(appId: AppId, hostname: string): Promise<boolean>;
  /** @returns the number of removed domains */
  clearDomains(appId: AppId): Promise<number>;
  /** By name. */
  domainsOf(appId: AppId): Promise<readonly Domain[]>;
  /** Undefined: no app has it. */
  domain(hostname: string): Promise<Domain | undefined>;
  /** Every app, or only this one. */
  routedApps(only?: AppId): Promise<readonly RoutedApp[]>;
}
