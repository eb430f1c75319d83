import type { ApiConfig, ApiDeps } from '../deps.ts';
import { viewMembership } from '../operation-views.ts';
import { checkJoin, issueMembership, joinFleet, rejoinFleet } from '../operations/joining.ts';
import { createRateLimit, type RateLimit } from '../rate-limit.ts';
import { anonymousRoute, type Route } from '../route.ts';

/** Failures of one address. The limit bounds the work that they cost; a rack may join from behind one address. */
const FAILURES = { count: 300, perMs: 60_000 };
const BODY_LIMIT_BYTES = 16 * 1024;

/** A machine with a token gets a certificate: as a new node, or as one the fleet knows. */
export function joinRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  const failures = createRateLimit(FAILURES, deps.clock);
  return [checkRoute(deps, failures), joinRoute(config, deps, failures), rejoinRoute(config, deps, failures)];
}

/** The installer calls this before it installs anything. */
function checkRoute(deps: ApiDeps, failures: RateLimit): Route {
  return anonymousRoute('checkJoin', {
    auth: 'anonymous',
    action: 'node.join',
    bodyLimitBytes: BODY_LIMIT_BYTES,
    handle: async ({ body, request }) => {
      await failures.guard(request.ip, () => checkJoin(deps, body));
      return undefined;
    },
  });
}

function joinRoute(config: ApiConfig, deps: ApiDeps, failures: RateLimit): Route {
  return anonymousRoute('joinFleet', {
    auth: 'anonymous',
    action: 'node.join',
    bodyLimitBytes: BODY_LIMIT_BYTES,
    handle: async ({ body, request }) => {
      const node = await failures.guard(request.ip, () => joinFleet(deps, body));
      deps.log.info({ node: node.name, nodeId: node.id, address: request.ip }, 'node.joined');
      return viewMembership(await issueMembership(deps, { node, csr: body.csr }), config);
    },
  });
}

function rejoinRoute(config: ApiConfig, deps: ApiDeps, failures: RateLimit): Route {
  return anonymousRoute('rejoinFleet', {
    auth: 'anonymous',
    action: 'node.join',
    bodyLimitBytes: BODY_LIMIT_BYTES,
    handle: async ({ body, request }) => {
      const node = await failures.guard(request.ip, () => rejoinFleet(deps, body));
      deps.endSessions(node.id, 'This node has rejoined with another certificate.');
      deps.log.warn({ node: node.name, nodeId: node.id, address: request.ip }, 'node.rejoined');
      return viewMembership(await issueMembership(deps, { node, csr: body.csr }), config);
    },
  });
}
