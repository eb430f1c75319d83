import { z } from 'zod';
import { newSerial } from '../../access/ca/certificates.ts';
import type { ApiDeps } from '../deps.ts';
import { createRateLimit } from '../rate-limit.ts';
import { nodeRoute, type Route } from '../route.ts';

const body = z.strictObject({ csr: z.string().max(10_000) });

/** Far above what an agent asks for in a year. */
const RENEWALS = { count: 20, perMs: 60 * 60_000 };

const trouble = z.strictObject({
  code: z.string().regex(/^SLIP_[A-Z0-9_]{1,58}$/),
  message: z.string().max(2_000),
  hint: z.string().max(2_000).optional(),
});

/** What a node may ask and say about itself: the next certificate, that it is in use, and why its agent cannot start. */
export function nodeIdentityRoutes(deps: ApiDeps): readonly Route[] {
  const { store, clock, authority, log, fleet } = deps;
  const renewals = createRateLimit(RENEWALS, clock);
  return [
    nodeRoute({
      method: 'POST',
      url: '/node/certificate',
      auth: 'node',
      action: 'node.certificate.renew',
      body,
      bodyLimitBytes: 16 * 1024,
      handle: async ({ node, body: { csr }, reply }) => {
        renewals.count(node.id);
        await authority.checkRequest(csr);
        const serial = newSerial();
        const { certificatePem, notAfterMs } = await authority.issueNode({ csrPem: csr, nodeId: node.id, serial });
        // The former one stays good: only the use of this one shows that it has arrived.
        await store.addCertificate(node.id, { serial, notAfterMs });
        log.info({ node: node.name, notAfterMs }, 'node.certificate_issued');
        reply.code(201);
        return { certificate: certificatePem };
      },
    }),
    // Whoever gets here has shown its certificate, and the door has taken note of that.
    nodeRoute({
      method: 'POST',
      url: '/node/certificate/use',
      auth: 'node',
      action: 'node.certificate.renew',
      body: z.strictObject({}),
      handle: async ({ node }) => Promise.resolve({ nodeId: node.id }),
    }),
    nodeRoute({
      method: 'POST',
      url: '/node/trouble',
      auth: 'node',
      action: 'node.trouble.tell',
      body: trouble,
      bodyLimitBytes: 16 * 1024,
      handle: async ({ node, body: reason }) => {
        fleet.startFailed(node.id, reason);
        log.warn({ node: node.name, ...reason }, 'node.cannot_start');
        return Promise.resolve({ nodeId: node.id });
      },
    }),
  ];
}
