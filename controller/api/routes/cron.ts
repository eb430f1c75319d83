import type { CronEntryBody, CronOutputBody, CronRunBody } from '../../../shared/api/cron.ts';
import type { CommandRow } from '../../domain/commands.ts';
import type { CronRun } from '../../domain/cron.ts';
import type { ApiDeps } from '../deps.ts';
import {
  findCronRun,
  followCronRun,
  listCron,
  listCronRuns,
  runCron,
  setCronSuspended,
  type CronOverview,
  type FoundCronRun,
} from '../operations/cron.ts';
import { answerLines } from '../ndjson.ts';
import { appRoute, type Route } from '../route.ts';

/** Commands that run at certain times. */
export function cronRoutes(deps: ApiDeps): readonly Route[] {
  return [...readRoutes(deps), ...changeRoutes(deps)];
}

function readRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('listCron', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => {
        const [names, entries] = [await userNames(deps), await listCron(deps, app)];
        return entries.map((entry) => viewEntry(deps, entry, names));
      },
    }),
    appRoute('listCronRuns', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, query }) => {
        const [names, runs] = [await userNames(deps), await listCronRuns(deps, app, query)];
        return runs.map((run) => viewRun(deps, run, names));
      },
    }),
    appRoute('showCronRun', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, params, query, reply, signal }) => {
        const found = await findCronRun(deps, app, params.run);
        if (!query.follow) return viewFound(deps, found, await userNames(deps));
        const runs = followCronRun(deps, { app, process: params.run, signal });
        return answerLines(viewEach(deps, runs), { reply, clock: deps.clock, signal });
      },
    }),
  ];
}

/** Each line has only the output since the line before it. */
async function* viewEach(deps: ApiDeps, runs: AsyncIterable<FoundCronRun>): AsyncGenerator<CronOutputBody> {
  const names = await userNames(deps);
  let sent = 0;
  for await (const found of runs) {
    const { output, ...rest } = viewFound(deps, found, names);
    yield { ...rest, output: output.slice(sent), outputFrom: sent };
    sent = Math.max(sent, output.length);
  }
}

function viewFound(deps: ApiDeps, { run, command, output }: FoundCronRun, names: Names): CronOutputBody {
  return { ...viewRun(deps, run, names), output, outputBytes: command.outputBytes };
}

function changeRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('runCron', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params }) =>
        viewRun(deps, await runCron(deps, { app, user, name: params.entry }), new Map([[user.id, user.name]])),
    }),
    appRoute('suspendCron', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params }) =>
        viewEntry(deps, await setCronSuspended(deps, { app, user, name: params.entry }, true), await userNames(deps)),
    }),
    appRoute('resumeCron', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params }) =>
        viewEntry(deps, await setCronSuspended(deps, { app, user, name: params.entry }, false), await userNames(deps)),
    }),
  ];
}

type Names = ReadonlyMap<string, string>;

async function userNames({ store }: ApiDeps): Promise<Names> {
  return new Map((await store.users()).map(({ id, name }) => [id, name]));
}

function viewEntry(deps: ApiDeps, overview: CronOverview, names: Names): CronEntryBody {
  const { job, isSuspended, isStopped, nextAtMs, last } = overview;
  const { name, command, processType, schedule, timeZone, concurrency, missed, timeoutMs } = job.entry;
  return {
    ...{ name, schedule, timeZone, concurrency, missed, timeoutMs, suspended: isSuspended, stopped: isStopped },
    ...(command === undefined ? {} : { command }),
    ...(processType === undefined ? {} : { type: processType }),
    ...(nextAtMs === undefined ? {} : { nextAtMs }),
    ...(last === undefined ? {} : { last: viewRun(deps, last, names) }),
  };
}

function viewRun(deps: ApiDeps, { name, tickMs, atMs, command, skipped }: CronRun, names: Names): CronRunBody {
  const run = { entry: name, atMs, ...(tickMs === undefined ? {} : { tickMs }) };
  if (command === undefined)
    return { ...run, state: 'skipped', ...(skipped === undefined ? {} : { failure: skipped }) };
  return { ...run, ...viewCommand(deps, command, names) };
}

function viewCommand(
  { fleet }: ApiDeps,
  command: CommandRow,
  names: Names,
): Pick<CronRunBody, 'state'> & Partial<CronRunBody> {
  const { process, state, release, nodeId, userId, finishedAtMs, result, failure } = command;
  const user = userId === undefined ? undefined : names.get(userId);
  return {
    ...{ run: process, state, release },
    node: fleet.node(nodeId)?.name ?? '',
    ...(user === undefined ? {} : { user }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
    ...(result === undefined ? {} : viewResult(result)),
    ...(failure === undefined ? {} : { failure }),
  };
}

function viewResult({
  exit: { code, signal },
  durationMs,
}: NonNullable<CommandRow['result']>): Pick<CronRunBody, 'durationMs' | 'exitCode' | 'signal'> {
  return {
    durationMs,
    ...(code === undefined ? {} : { exitCode: code }),
    ...(signal === undefined ? {} : { signal }),
  };
}
