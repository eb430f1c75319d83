import { Readable } from 'node:stream';
import type { App } from '../../domain/apps.ts';
import type { Build } from '../../domain/builds.ts';
import { KEPT_WORDS } from '../../../shared/domain/history.ts';
import { isId, type BuildId } from '../../../shared/domain/ids.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { ApiDeps } from '../deps.ts';
import { cancelBuild } from '../operations/deploys.ts';
import { appRoute, type Route } from '../route.ts';
import { userNames } from '../user-names.ts';
import { viewBuild } from '../views.ts';

export function buildRoutes(deps: ApiDeps): readonly Route[] {
  const { store, buildLog } = deps;
  return [
    appRoute('listBuilds', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, query }) => {
        const builds = await store.builds(app.id, query.limit);
        const nameOf = await userNames(
          store,
          builds.map((build) => build.userId),
        );
        return builds.map((build) => viewBuild(build, nameOf(build.userId)));
      },
    }),
    appRoute('showBuild', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, params }) => {
        const build = await findBuild(deps, app, params.id);
        return viewBuild(build, (await userNames(store, [build.userId]))(build.userId));
      },
    }),
    appRoute('cancelBuild', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params }) => {
        const { id } = await findBuild(deps, app, params.id);
        const build = await cancelBuild(deps, { app, user, id });
        return viewBuild(build, (await userNames(store, [build.userId]))(build.userId));
      },
    }),
    appRoute('readBuildOutput', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, params, query, reply, signal }) => {
        const build = await findBuild(deps, app, params.id);
        const output = await buildLog(build.id, query.follow, signal);
        if (output === undefined) throw outputGone(build);
        reply.type('application/octet-stream');
        return Readable.from(output, { objectMode: false });
      },
    }),
  ];
}

async function findBuild({ store }: ApiDeps, app: App, id: string): Promise<Build> {
  const build = isId(id) ? await store.build(id as BuildId) : undefined;
  if (build?.appId === app.id) return build;
  throw new SlipwayError({
    code: 'SLIP_BUILD_NOT_FOUND',
    httpStatus: 404,
    message: `${app.name} has no such build.`,
    hint: `${KEPT_WORDS.builds} See them with: slipway builds -a ${app.name}`,
  });
}

function outputGone(build: Build): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_OUTPUT',
    httpStatus: 404,
    message: `No output of build ${build.id} is kept.`,
    hint: 'It may not have started yet.',
  });
}
