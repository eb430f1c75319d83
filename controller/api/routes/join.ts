import { z } from 'zod';
import { newSerial } from '../../access/ca/certificates.ts';
import { hashToken } from '../../access/tokens.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import type { JoinBody } from '../../../shared/api/machines.ts';
import type { NodeId } from '../../../shared/domain/ids.ts';
import { parseNodeName } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { createRateLimit, type RateLimit } from '../rate-limit.ts';
import { anonymousRoute, type Route } from '../route.ts';

const token = z.string().min(1).max(200);
const csr = z.string().max(10_000);
const joinBody = z.strictObject({ token, csr, name: z.string().max(100) });
const checkBody = z.strictObject({ token, name: z.string().max(100) });
const rejoinBody = z.strictObject({ token, csr, nodeId: z.string().max(64).optional() });

/** Failures of one address, bounded for the work they make: nobody guesses 256 bits, and a rack may join from behind one address. */
const FAILURES = { count: 300, perMs: 60_000 };
const BODY_LIMIT_BYTES = 16 * 1024;

/** A machine with a token gets a certificate: as a new node, or as one the fleet knows. */
export function joinRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  const failures = createRateLimit(FAILURES, deps.clock);
  return [checkRoute(deps, failures), joinRoute(config, deps, failures), rejoinRoute(config, deps, failures)];
}

/** Whether a join would be let in: asked before anything is installed for it. */
function checkRoute({ store, clock }: ApiDeps, failures: RateLimit): Route {
  return anonymousRoute({
    method: 'POST',
    url: '/join/check',
    auth: 'anonymous',
    action: 'node.join',
    body: checkBody,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    handle: async ({ body, request }) => {
      await failures.guard(request.ip, () =>
        store.checkJoinToken(hashToken(body.token), clock.nowMs(), parseNodeName(body.name)),
      );
    },
  });
}

function joinRoute(config: ApiConfig, deps: ApiDeps, failures: RateLimit): Route {
  const { store, clock, authority, log } = deps;
  return anonymousRoute({
    method: 'POST',
    url: '/join',
    auth: 'anonymous',
    action: 'node.join',
    body: joinBody,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    handle: async ({ body, request, reply }) => {
      const node = await failures.guard(request.ip, async () => {
        const name = parseNodeName(body.name);
        // Looked at before the token is spent: a bad request must not cost one.
        const keyHash = await authority.checkRequest(body.csr);
        return await store.redeemJoinToken(hashToken(body.token), clock.nowMs(), {
          name,
          keyHash,
          ...newCertificate(deps),
        });
      });
      log.info({ node: node.name, nodeId: node.id, address: request.ip }, 'node.joined');
      reply.code(201);
      return await membership(config, deps, { node, csr: body.csr });
    },
  });
}

function rejoinRoute(config: ApiConfig, deps: ApiDeps, failures: RateLimit): Route {
  const { store, clock, authority, log } = deps;
  return anonymousRoute({
    method: 'POST',
    url: '/rejoin',
    auth: 'anonymous',
    action: 'node.join',
    body: rejoinBody,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    handle: async ({ body, request, reply }) => {
      const node = await failures.guard(request.ip, async () => {
        const keyHash = await authority.checkRequest(body.csr);
        const secretHash = hashToken(body.token);
        refuseWhileConnected(deps, await store.rejoinTarget(secretHash, clock.nowMs(), keyHash));
        const knownAs = body.nodeId === undefined ? {} : { knownAs: body.nodeId as NodeId };
        return await store.redeemRejoinToken(secretHash, clock.nowMs(), {
          ...newCertificate(deps),
          ...knownAs,
          keyHash,
        });
      });
      deps.endSessions(node.id, 'This node has rejoined with another certificate.');
      log.warn({ node: node.name, nodeId: node.id, address: request.ip }, 'node.rejoined');
      reply.code(201);
      return await membership(config, deps, { node, csr: body.csr });
    },
  });
}

function newCertificate({ authority, clock }: ApiDeps): { certificateSerial: string; notAfterMs: number } {
  return { certificateSerial: newSerial(), notAfterMs: clock.nowMs() + authority.nodeLifetimeMs };
}

async function membership(
  { grpcAddress }: ApiConfig,
  { authority }: ApiDeps,
  of: { node: NodeRow; csr: string },
): Promise<JoinBody> {
  const { node } = of;
  const issued = await authority.issueNode({ csrPem: of.csr, nodeId: node.id, serial: node.certificateSerial });
  return { nodeId: node.id, nodeName: node.name, certificate: issued.certificatePem, ca: authority.caPem, grpcAddress };
}

/** A token in the wrong hands must not put another machine in the place of one that is there. */
function refuseWhileConnected({ fleet }: ApiDeps, node: NodeRow): void {
  if (fleet.node(node.id)?.connected !== true) return;
  throw rejoinConnected(node.name);
}

export function rejoinConnected(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_REJOIN_CONNECTED',
    kind: 'conflict',
    message: `Node ${name} is connected with a certificate that works, so nothing needs to rejoin.`,
    hint: `To put another machine in its place, cut it off first: slipway nodes:revoke ${name}`,
  });
}
