import type { ApiDeps } from '../deps.ts';
import { renewCertificate } from '../operations/joining.ts';
import { createRateLimit } from '../rate-limit.ts';
import { nodeRoute, type Route } from '../route.ts';

/** Far above what an agent asks for in a year. */
const RENEWALS = { count: 20, perMs: 60 * 60_000 };
const BODY_LIMIT_BYTES = 16 * 1024;

/** What a node asks and reports about itself: its next certificate, its use, and why its agent cannot start. */
export function nodeIdentityRoutes(deps: ApiDeps): readonly Route[] {
  const renewals = createRateLimit(RENEWALS, deps.clock);
  return [
    nodeRoute('renewCertificate', {
      auth: 'node',
      action: 'node.certificate.renew',
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async ({ node, body }) => {
        renewals.count(node.id);
        return { certificate: await renewCertificate(deps, { node, csr: body.csr }) };
      },
    }),
    // Authentication records which certificate the node used, so there is nothing else to do.
    nodeRoute('useCertificate', {
      auth: 'node',
      action: 'node.certificate.renew',
      handle: async ({ node }) => Promise.resolve({ nodeId: node.id }),
    }),
    nodeRoute('reportTrouble', {
      auth: 'node',
      action: 'node.trouble.tell',
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: async ({ node, body }) => {
        deps.fleet.startFailed(node.id, body);
        deps.log.warn({ node: node.name, ...body }, 'node.cannot_start');
        return Promise.resolve({ nodeId: node.id });
      },
    }),
  ];
}
