import { z } from 'zod';
import { nameHttpsBody } from './https.ts';
import { list, problemBody, wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

/** How the owner showed that the domain is theirs. `admin`: an administrator decided it. Absent: no proof was asked for. */
const proof = wordOf(['txt', 'cname', 'admin']).optional();
const domainBody = z.object({ hostname: z.string(), createdAtMs: z.number(), proof });

/** A removed domain. Until this time, other users get it only with a proof. */
const keptDomainBody = z.object({ hostname: z.string(), app: z.string(), untilMs: z.number() });

const domainsBody = z.object({
  /** The app's own name under the fleet's domain; it cannot be removed. */
  own: z.string(),
  domains: list(domainBody),
  /** Removed domains that are kept for the owner of the app, of all their apps. Absent: the controller is older than this field. */
  kept: list(keptDomainBody).optional(),
  /** The domain to which requests for the other names are redirected. */
  canonical: z.string().optional(),
});
export type DomainsBody = z.output<typeof domainsBody>;

/** The change is made when the answer comes. The problems name the nodes that do not follow it. Absent: the controller is older than this field. */
const problems = list(problemBody).optional();

/** What else ended with the domains, as sentences. Absent: the controller is older than this field. */
const notes = list(z.string()).optional();

/** Absent: the controller is older than this field. */
const domainAddedBody = domainBody.extend({ problems, https: nameHttpsBody.optional() });
export type DomainAddedBody = z.output<typeof domainAddedBody>;

/** `keptUntilMs`: until then, other users get the domain only with a proof. */
const domainRemovedBody = z.object({ hostname: z.string(), problems, notes, keptUntilMs: z.number().optional() });
export type DomainRemovedBody = z.output<typeof domainRemovedBody>;

const domainsClearedBody = z.object({ removed: z.number(), problems, notes });
export type DomainsClearedBody = z.output<typeof domainsClearedBody>;

export const domainSpecs = {
  listDomains: {
    method: 'GET',
    path: '/apps/:app/domains',
    summary: 'List the domains of an app.',
    answer: domainsBody,
  },
  addDomain: {
    method: 'POST',
    path: '/apps/:app/domains',
    summary: 'Add a domain. The answer comes when every node routes it, or names the nodes that do not.',
    /** `force`: without a proof that the domain belongs to the owner of the app. Only for administrators. */
    body: z.strictObject({ hostname: z.string().max(300), force: z.boolean().default(false) }),
    answer: domainAddedBody,
  },
  removeDomain: {
    method: 'DELETE',
    path: '/apps/:app/domains/:hostname',
    summary: 'Remove a domain from an app.',
    /** Older controllers answer with nothing. */
    answer: domainRemovedBody.optional(),
  },
  clearDomains: {
    method: 'DELETE',
    path: '/apps/:app/domains',
    summary: 'Remove all domains from an app.',
    answer: domainsClearedBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
