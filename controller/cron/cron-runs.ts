import type { TaskId, UserId } from '../../shared/domain/ids.ts';
import type { NewEvent } from '../../shared/domain/event.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { CommandRunner } from '../dispatch/commands.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { CronJob } from '../domain/cron.ts';
import type { OneOffs } from '../one-off/one-offs.ts';
import type { Store } from '../store/port.ts';
import { runningReason } from './cron-events.ts';

export interface CronRunsDeps {
  readonly store: Pick<Store, 'currentRelease' | 'runningCron' | 'createCronRun'>;
  readonly oneOffs: Pick<OneOffs, 'start'>;
  readonly commands: Pick<CommandRunner, 'cancel' | 'ended' | 'onProgress'>;
  readonly failpoint: Failpoint;
}

export interface CronStart {
  /** Absent: a user starts it. */
  readonly tickMs?: number | undefined;
  readonly userId?: UserId | undefined;
  readonly events: readonly NewEvent[];
}

/** Runs of one entry at the same time, with the policy `allow`. */
const RUNNING_MAX = 10;

/** Starts commands of cron entries, and follows the concurrency policy. */
export class CronRuns {
  readonly #deps: CronRunsDeps;

  constructor(deps: CronRunsDeps) {
    this.#deps = deps;
  }

  /**
   * With `replace` it first waits for the end of the former run.
   * @throws SLIP_CRON_RUNNING, SLIP_CRON_TICK, SLIP_CRON_NO_RELEASE, SLIP_COMMAND_NO_NODE
   */
  async start(job: CronJob, { tickMs, userId, events }: CronStart): Promise<CommandRow> {
    const { store, oneOffs, failpoint } = this.#deps;
    const { app, entry } = job;
    await this.#makeWay(job);
    await failpoint('cron.due');
    const release = await store.currentRelease(app.id);
    if (release === undefined) throw noRelease(job);
    const { command } = job;
    const row = await oneOffs.start(app, {
      ...{
        kind: 'cron',
        release,
        command,
        processType: entry.processType ?? 'cron',
        timeoutMs: entry.timeoutMs,
        userId,
      },
      record: (made) => store.createCronRun({ appId: app.id, name: entry.name, tickMs, events }, made),
    });
    await failpoint('cron.started');
    return row;
  }

  /** As {@link CommandRunner.onProgress}. */
  onProgress(id: TaskId, listener: () => void): (() => void) | undefined {
    return this.#deps.commands.onProgress(id, listener);
  }

  /** @throws SLIP_CRON_RUNNING */
  async #makeWay(job: CronJob): Promise<void> {
    const { store } = this.#deps;
    const { concurrency, name } = job.entry;
    const running = await store.runningCron({ appId: job.app.id, name });
    if (concurrency === 'replace') await Promise.all(running.map(({ id }) => this.#end(id)));
    else if (running.length >= (concurrency === 'forbid' ? 1 : RUNNING_MAX))
      throw new SlipwayError({ ...runningReason(job, running.length), kind: 'conflict', httpStatus: 409 });
  }

  async #end(id: TaskId): Promise<void> {
    const { commands } = this.#deps;
    await commands.cancel(id);
    await commands.ended(id);
  }
}

function noRelease({ app }: CronJob): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CRON_NO_RELEASE',
    kind: 'conflict',
    message: `${app.name} has no current release, so there is nothing to run.`,
    hint: 'Deploy it first: git push slipway main',
    httpStatus: 409,
  });
}
