import type { RunBody } from '../../../shared/api/runs.ts';
import type { CommandRow } from '../../domain/commands.ts';
import type { ApiDeps } from '../deps.ts';
import { findRun, startRun, stopRun } from '../operations/runs.ts';
import { appRoute, type Route } from '../route.ts';

type Names = Pick<ApiDeps, 'store' | 'fleet'>;

export function runRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('listRuns', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, query }) => await views(deps, await deps.store.commandsOfApp(app.id, query.limit)),
    }),
    appRoute('startRun', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, body }) => await view(deps, await startRun(deps, { app, user, wanted: body })),
    }),
    appRoute('showRun', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, params }) => await view(deps, await findRun(deps, app, params.run)),
    }),
    appRoute('stopRun', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params }) => await view(deps, await stopRun(deps, { app, user, name: params.run })),
    }),
  ];
}

async function view(names: Names, row: CommandRow): Promise<RunBody> {
  return viewWith(names, row, row.userId === undefined ? '' : ((await names.store.userById(row.userId))?.name ?? ''));
}

async function views(names: Names, rows: readonly CommandRow[]): Promise<readonly RunBody[]> {
  const users = new Map((await names.store.users()).map(({ id, name }) => [id, name]));
  return rows.map((row) => viewWith(names, row, row.userId === undefined ? '' : (users.get(row.userId) ?? '')));
}

function viewWith({ fleet }: Names, row: CommandRow, user: string): RunBody {
  const { kind, release, command, state, memoryBytes, createdAtMs, timeoutMs, result, failure } = row;
  const { startedAtMs, finishedAtMs } = row;
  return {
    ...{ name: row.process, kind, release, command, user, state, memoryBytes, createdAtMs, timeoutMs },
    node: fleet.node(row.nodeId)?.name ?? '',
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
    ...(result === undefined ? {} : { exit: exitOf(result.exit) }),
    ...(failure === undefined ? {} : { failure }),
  };
}

function exitOf({ code, signal, oomKilled }: NonNullable<CommandRow['result']>['exit']): RunBody['exit'] {
  return { ...(code === undefined ? {} : { code }), ...(signal === undefined ? {} : { signal }), oomKilled };
}
