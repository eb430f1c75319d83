import type { ApiConfig, ApiDeps } from '../deps.ts';
import { openApiDocument } from '../openapi.ts';
import { createRateLimit } from '../rate-limit.ts';
import { anonymousRoute, type Route } from '../route.ts';

const RATE = { count: 60, perMs: 60_000 };

/**
 * Describes the other routes and itself. The description is public: it is the same for every controller of a version, and names
 * no user, app or node.
 */
export function withOpenApi({ version }: ApiConfig, { clock }: ApiDeps, others: readonly Route[]): readonly Route[] {
  const limit = createRateLimit(RATE, clock);
  let document: Readonly<Record<string, unknown>> | undefined;
  const routes: Route[] = [
    ...others,
    anonymousRoute('showOpenApi', {
      auth: 'anonymous',
      action: 'program.read',
      handle: ({ request }) => {
        limit.count(request.ip);
        document ??= openApiDocument(routes, version);
        return Promise.resolve(document);
      },
    }),
  ];
  return routes;
}
