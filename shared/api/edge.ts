import { z } from 'zod';
import type { RouteSpec } from './route-spec.ts';
import { list, problemBody } from './schema.ts';

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

/** More than a list may have, so that the message about the limit is the one of the list. */
const entries = z.array(z.string().max(100)).max(1000).optional();

export const edgeSpecs = {
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
