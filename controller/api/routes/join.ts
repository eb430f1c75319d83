import { z } from 'zod';
import { newSerial } from '../../access/ca/certificates.ts';
import { hashToken } from '../../access/tokens.ts';
import type { JoinBody } from '../../../shared/domain/api.ts';
import { parseNodeName } from '../../../shared/domain/names.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { createRateLimit } from '../rate-limit.ts';
import { anonymousRoute, type Route } from '../route.ts';

const body = z.strictObject({ token: z.string().min(1).max(200), name: z.string().max(100), csr: z.string().max(10_000) });

const JOIN_RATE = { count: 20, perMs: 60_000 };

/** A machine with a token becomes a node with a certificate. */
export function joinRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  const limit = createRateLimit(JOIN_RATE, deps.clock);
  return [
    anonymousRoute({
      method: 'POST',
      url: '/join',
      auth: 'anonymous',
      action: 'node.join',
      body,
      bodyLimitBytes: 16 * 1024,
      handle: async ({ body: join, request, reply }) => {
        limit(request.ip);
        const name = parseNodeName(join.name);
        // Looked at before the token is spent: a bad request must not cost one.
        await deps.authority.checkRequest(join.csr);
        const certificateSerial = newSerial();
        const node = await deps.store.redeemJoinToken(hashToken(join.token), deps.clock.nowMs(), { name, certificateSerial });
        const issued = await deps.authority.issueNode({ csrPem: join.csr, nodeId: node.id, serial: certificateSerial });
        deps.log.info({ node: node.name, nodeId: node.id, address: request.ip }, 'node.joined');
        reply.code(201);
        return {
          nodeId: node.id,
          nodeName: node.name,
          certificate: issued.certificatePem,
          ca: deps.authority.caPem,
          grpcAddress: config.grpcAddress,
        } satisfies JoinBody;
      },
    }),
  ];
}
