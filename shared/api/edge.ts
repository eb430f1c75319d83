import { z } from 'zod';
import { labelRule } from './builds.ts';
import type { RouteSpec } from './route-spec.ts';
import { list, problemBody, textRecord } from './schema.ts';

const frontsBody = z.object({
  /** Front proxies whose X-Forwarded-* headers count, as they were written. */
  trusted: list(z.string()),
  /** Load balancers that send the PROXY protocol. */
  proxyProtocol: list(z.string()),
  /** What `cloudflare` stands for. */
  cloudflare: z.object({ listedOn: z.string(), networks: list(z.string()) }),
  /** Nodes that do not follow these settings. */
  problems: list(problemBody),
});
export type FrontsBody = z.output<typeof frontsBody>;

/** Which nodes answer HTTPS and hold keys. */
const edgeBody = z.object({
  /** Empty: every node. */
  require: textRecord,
  nodes: list(
    z.object({
      name: z.string(),
      connected: z.boolean(),
      /** Why it answers no HTTPS, in words that follow its name; absent for a node that answers. */
      whyNot: z.string().optional(),
    }),
  ),
  problems: list(problemBody),
});
export type EdgeBody = z.output<typeof edgeBody>;

/** More than a list may have, so that the message about the limit is the one of the list. */
const entries = z.array(z.string().max(100)).max(1000).optional();

export const edgeSpecs = {
  showEdge: { method: 'GET', path: '/edge', summary: 'Show which nodes answer HTTPS and hold keys.', answer: edgeBody },
  setEdge: {
    method: 'PUT',
    path: '/edge',
    summary: 'Set the labels that a node must have to answer HTTPS. The other nodes remove their keys at once.',
    body: labelRule,
    answer: edgeBody,
  },
  showFronts: {
    method: 'GET',
    path: '/proxy/fronts',
    summary: 'Show the front proxies from which every node accepts the address and the protocol of clients.',
    answer: frontsBody,
  },
  setFronts: {
    method: 'PATCH',
    path: '/proxy/fronts',
    summary: 'Replace the front proxies of every node. An absent list stays as it is; an empty one trusts nobody.',
    body: z.strictObject({ trusted: entries, proxyProtocol: entries }),
    answer: frontsBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
