import { HOSTNAMES_MAX } from './fleet-routes.ts';

/** A kind of thing whose number is limited for each user. */
export interface QuotaKind {
  /** The limit of a user without an own number. */
  readonly defaultMax: number;
  /** In a sentence: `User ada has 100 apps`. */
  readonly what: string;
  /** How the user reduces the number. */
  readonly cure: string;
}

/** Each of these uses resources of the controller or of every node, so each kind has a limit. */
export const QUOTA_KINDS = {
  /** Heroku: 100. Each app takes a range of user ids and a line in the route table of every node. */
  apps: { defaultMax: 100, what: 'apps', cure: 'Destroy an app with: slipway apps:destroy -a APP' },
  keys: { defaultMax: 50, what: 'SSH keys', cure: 'Remove a key with: slipway keys:remove KEY' },
  tokens: { defaultMax: 50, what: 'API tokens', cure: 'Use an existing token' },
  /** All domains of all apps of the user. Each is a name in the tables of every proxy. */
  domains: { defaultMax: 2_000, what: 'domains', cure: 'Remove a domain with: slipway domains:remove HOSTNAME -a APP' },
  /** Domains of one app. Heroku: 1000. Older agents read 1000 names of an app, and one of them is its default name. */
  domainsPerApp: {
    defaultMax: 999,
    what: 'domains',
    cure: 'A wildcard such as *.example.com stands for all names with one more label',
  },
  /** Uploaded certificates of all apps of the user. Each is a file on every node. */
  certificates: {
    defaultMax: 100,
    what: 'uploaded certificates',
    cure: 'Remove a certificate with: slipway certs:remove NAME -a APP',
  },
  /** Size of one app's repository, decimal. Heroku advises less than 1 GB; one push may have 1 GiB. */
  repositoryMegabytes: { defaultMax: 2_000, what: 'MB in one repository', cure: 'Take large files out of the commits' },
  /** A build may use two processors and two gigabytes, so a small fleet can run only a few. */
  builds: { defaultMax: 4, what: 'builds at the same time', cure: 'Wait for one of them to end' },
  /** Each may run a git process. */
  connections: { defaultMax: 32, what: 'SSH connections', cure: 'End one of them' },
  /** Open requests to the API. `logs --tail` is one request while it runs. */
  requests: {
    defaultMax: 100,
    what: 'open requests to the API',
    cure: 'End a command that follows logs, events or the status',
  },
} as const satisfies Readonly<Record<string, QuotaKind>>;

export type QuotaName = keyof typeof QUOTA_KINDS;

export const QUOTA_NAMES = Object.keys(QUOTA_KINDS) as readonly QuotaName[];

/** Every quota with its number. */
export type Quotas = Readonly<Record<QuotaName, number>>;

export const DEFAULT_QUOTAS: Quotas = Object.freeze(
  Object.fromEntries(Object.entries(QUOTA_KINDS).map(([name, { defaultMax }]) => [name, defaultMax])),
) as Quotas;

/** The numbers that an administrator has set for one user. */
export type OwnQuotas = Partial<Quotas>;

/** A higher number would limit nothing. */
export const QUOTA_CEILING = 1_000_000;

export function isQuotaName(text: string): text is QuotaName {
  return Object.hasOwn(QUOTA_KINDS, text);
}

/** Why these numbers cannot be set; undefined when they can. */
export function quotaTrouble({
  requests,
  domainsPerApp,
}: Readonly<Partial<Record<QuotaName, number | null | undefined>>>): string | undefined {
  if (requests === 0) return 'requests is at least 1, because the request that changes it back counts too';
  if ((domainsPerApp ?? 0) >= HOSTNAMES_MAX)
    return `domainsPerApp is at most ${String(HOSTNAMES_MAX - 1)}, because agents read no more names`;
  return undefined;
}
