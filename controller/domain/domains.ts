import type { Maintenance } from '../../shared/domain/fleet-routes.ts';
import type { Hsts } from '../../shared/domain/hsts.ts';
import type { AppId, UserId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';

/** An additional host name of an app. `*.example.com` matches every name with one more label that no app has. */
export interface Domain {
  readonly appId: AppId;
  readonly hostname: string;
  readonly createdAtMs: number;
  /** Absent: no proof was asked for. */
  readonly proof?: DomainProof | undefined;
}

/** How the owner showed that a domain is theirs. `admin`: an administrator decided it, without a record. */
export const DOMAIN_PROOFS = ['txt', 'cname', 'admin'] as const;
export type DomainProof = (typeof DOMAIN_PROOFS)[number];

/** A removed domain. Until this time, others get it only with a proof. */
export interface KeptDomain {
  readonly hostname: string;
  readonly ownerId: UserId;
  /** The name of its last app, as it was then. */
  readonly app: AppName;
  readonly untilMs: number;
}

/** The owner of a domain, or its last owner. */
export type DomainHolder =
  | { readonly kind: 'app'; readonly ownerId: UserId; readonly appId: AppId }
  | { readonly kind: 'kept'; readonly ownerId: UserId; readonly untilMs: number };

/** Why an app may have a domain. */
export interface DomainClaim {
  /** Absent: no proof was asked for. */
  readonly proof?: DomainProof | undefined;
  /** The app that loses the domain. */
  readonly takenFrom?: AppId | undefined;
}

/** How long a removed domain and the name of a destroyed app are kept for their last owner. */
export const KEPT_NAME_MS = 30 * 24 * 60 * 60_000;
/** The newest ones of each owner are kept. */
export const KEPT_DOMAINS_MAX = 1_000;
export const KEPT_APP_NAMES_MAX = 100;

/** Data of an app for the proxies. */
export interface RoutedApp {
  readonly appId: AppId;
  readonly app: AppName;
  /** The current release; absent before the first deploy. */
  readonly release?: number | undefined;
  readonly domains: readonly string[];
  /** Present while the app is in maintenance. */
  readonly maintenance?: Maintenance | undefined;
  /** False: plain requests are not redirected to HTTPS. Default: they are, when every node serves the certificate. */
  readonly redirects?: boolean | undefined;
  /** The domain to which requests for the other names are redirected. */
  readonly canonical?: string | undefined;
  readonly hsts?: Hsts | undefined;
  readonly createdAtMs: number;
}
