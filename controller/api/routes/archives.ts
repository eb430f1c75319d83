import type { ApiDeps } from '../deps.ts';
import { answerLines } from '../ndjson.ts';
import { deployArchive } from '../operations/deploy-archive.ts';
import { appRoute, type Route } from '../route.ts';

/** The repository of an app has a smaller limit of its own. */
const ARCHIVE_LIMIT_BYTES = 16 * 1024 ** 3;

export function archiveRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('deployArchive', {
      auth: 'user',
      action: 'app.write',
      bodyLimitBytes: ARCHIVE_LIMIT_BYTES,
      handle: async ({ app, user, query, request, reply, signal }) => {
        const upload = { app, user, body: request.body, stripsTop: query.stripTop, signal };
        return answerLines(await deployArchive(deps, upload), { reply, clock: deps.clock, signal });
      },
    }),
  ];
}
