import { z } from 'zod';
import { nameHttpsBody } from './https.ts';
import { list, problemBody } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const domainBody = z.object({ hostname: z.string(), createdAtMs: z.number() });

const domainsBody = z.object({
  /** The app's own name under the fleet's domain; it cannot be removed. */
  own: z.string(),
  domains: list(domainBody),
});
export type DomainsBody = z.output<typeof domainsBody>;

/** The change is made when the answer comes. The problems name the nodes that do not follow it. Absent: the controller is older than this field. */
const problems = list(problemBody).optional();

/** Absent: the controller is older than this field. */
const domainAddedBody = domainBody.extend({ problems, https: nameHttpsBody.optional() });
export type DomainAddedBody = z.output<typeof domainAddedBody>;

const domainRemovedBody = z.object({ hostname: z.string(), problems });
export type DomainRemovedBody = z.output<typeof domainRemovedBody>;

const domainsClearedBody = z.object({ removed: z.number(), problems });
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
    body: z.strictObject({ hostname: z.string().max(300) }),
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
