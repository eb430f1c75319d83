import { nextTick } from '../../../shared/domain/cron-schedule.ts';
import { quoteInput } from '../../../shared/domain/names.ts';
import { isStopped } from '../../../shared/domain/placement.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { App } from '../../domain/apps.ts';
import type { CommandRow } from '../../domain/commands.ts';
import { isSuspended, type CronJob, type CronRun } from '../../domain/cron.ts';
import type { User } from '../../domain/users.ts';
import type { ApiDeps } from '../deps.ts';
import { Wake } from '../wake.ts';

type Deps = Pick<ApiDeps, 'store' | 'cronRuns' | 'clock'>;

export interface CronOverview {
  readonly job: CronJob;
  readonly isSuspended: boolean;
  readonly isStopped: boolean;
  /** Undefined while it is suspended or stopped. */
  readonly nextAtMs: number | undefined;
  readonly last: CronRun | undefined;
}

export interface FoundCronRun {
  readonly run: CronRun;
  readonly command: CommandRow;
  readonly output: string;
}

interface About {
  readonly app: App;
  readonly user: User;
  /** Of the entry. */
  readonly name: string;
}

export async function listCron(deps: Deps, app: App): Promise<readonly CronOverview[]> {
  const jobs = await deps.store.cronJobsOfApp(app.id);
  return await Promise.all(jobs.map((job) => overview(deps, job)));
}

/** @throws SLIP_CRON_UNKNOWN, SLIP_CRON_RUNNING, SLIP_COMMAND_NO_NODE */
export async function runCron(deps: Deps, { app, user, name }: About): Promise<CronRun> {
  const job = await findJob(deps, app, name);
  const event = {
    ...{ kind: 'cron.started', actor: user.name, app: app.name },
    message: `Started the cron entry ${job.entry.name} of ${app.name}.`,
    next: `slipway cron:history ${job.entry.name} -a ${app.name}`,
  };
  const command = await deps.cronRuns.start(job, { userId: user.id, events: [event] });
  return { appId: app.id, name: job.entry.name, atMs: command.createdAtMs, command };
}

/** @throws SLIP_CRON_UNKNOWN */
export async function setCronSuspended(
  deps: Deps,
  { app, user, name }: About,
  suspended: boolean,
): Promise<CronOverview> {
  const job = await findJob(deps, app, name);
  if (isSuspended(job) !== suspended) {
    const [kind, verb] = suspended ? ['suspended', 'Suspended'] : ['resumed', 'Resumed'];
    const entry = { appId: app.id, name: job.entry.name };
    await deps.store.setCronSuspended(entry, suspended, {
      ...{ kind: `cron.${kind}`, actor: user.name, app: app.name },
      message: `${verb} the cron entry ${job.entry.name} of ${app.name}.`,
      next: `slipway cron -a ${app.name}`,
    });
  }
  return await overview(deps, await findJob(deps, app, name));
}

export async function listCronRuns(
  { store }: Deps,
  app: App,
  query: { readonly entry?: string | undefined; readonly limit: number },
): Promise<readonly CronRun[]> {
  const runs = await store.cronRuns(app.id, { name: query.entry, limit: query.limit });
  if (runs.length === 0 && query.entry !== undefined) await findJob({ store }, app, query.entry);
  return runs;
}

/** @throws SLIP_CRON_RUN_UNKNOWN */
export async function findCronRun({ store }: Deps, app: App, process: string): Promise<FoundCronRun> {
  const name = /^cron\.([a-z0-9-]{1,40})\.\d{1,9}$/.exec(process)?.[1];
  const runs = name === undefined ? [] : await store.cronRuns(app.id, { name, limit: 1000 });
  const run = runs.find(({ command }) => command?.process === process);
  if (run?.command !== undefined)
    return { run, command: run.command, output: await store.commandOutput(run.command.id) };
  throw new SlipwayError({
    code: 'SLIP_CRON_RUN_UNKNOWN',
    message: `${app.name} has no run ${quoteInput(process)}. The last 20 runs of each cron entry are kept.`,
    hint: `List them with: slipway cron:history -a ${app.name}`,
    httpStatus: 404,
  });
}

/** Yields the run now, and after each change until its end. A run that no node has yet is yielded once. */
export async function* followCronRun(
  deps: Deps,
  { app, process, signal }: { readonly app: App; readonly process: string; readonly signal: AbortSignal },
): AsyncGenerator<FoundCronRun, undefined> {
  const { command } = await findCronRun(deps, app, process);
  const wake = new Wake(signal);
  const stop = deps.cronRuns.onProgress(command.id, () => wake.wake());
  try {
    while (!signal.aborted) {
      const found = await findCronRun(deps, app, process); // after the subscription, so no change is missed
      yield found;
      if (stop === undefined || found.command.finishedAtMs !== undefined) return;
      await wake.wait();
    }
  } finally {
    stop?.();
  }
}

async function findJob({ store }: Pick<Deps, 'store'>, app: App, name: string): Promise<CronJob> {
  const jobs = await store.cronJobsOfApp(app.id);
  const job = jobs.find(({ entry }) => entry.name === name);
  if (job !== undefined) return job;
  const names = jobs.map(({ entry }) => entry.name).join(', ');
  throw new SlipwayError({
    code: 'SLIP_CRON_UNKNOWN',
    message: `The current release of ${app.name} has no cron entry ${quoteInput(name)}.`,
    hint: names === '' ? 'Add a list "cron" to app.json, commit and push.' : `Its cron entries are: ${names}.`,
    httpStatus: 404,
  });
}

async function overview({ store, clock }: Deps, job: CronJob): Promise<CronOverview> {
  const { app, entry, decidedMs } = job;
  const [last] = await store.cronRuns(app.id, { name: entry.name, limit: 1 });
  const stopped = app.stopped === 'all' || isStopped(app.stopped, entry.processType ?? '');
  const suspended = isSuspended(job);
  const nextAtMs = suspended || stopped ? undefined : nextTick(entry, Math.max(decidedMs, clock.nowMs()));
  return { job, isSuspended: suspended, isStopped: stopped, nextAtMs, last };
}
