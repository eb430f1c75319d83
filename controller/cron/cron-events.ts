import type { NewEvent } from '../../shared/domain/event.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { CronJob } from '../domain/cron.ts';
import { MISSED_COUNTED_MAX, type DueTick } from './plan.ts';

type Named = Pick<CronJob, 'app' | 'entry'>;

/** Pure: what events and the history say about ticks. */
export function missedEvent(job: Named, { missed, action, tickMs }: DueTick): NewEvent {
  const { app, entry } = job;
  const end = action === 'skip' ? 'They do not run later, as app.json says.' : 'It runs once now.';
  const ticks = `${countOf(missed)} of ${entry.name} of ${app.name}, the last one at ${sayTime(tickMs)}`;
  return {
    ...{ kind: 'cron.missed', actor: 'controller', app: app.name },
    message: `Nobody started ${ticks}, because the controller was away or no node was free. ${end}`,
    next: `slipway cron:history ${entry.name} -a ${app.name}`,
  };
}

export function skippedEvent({ app, entry }: Named, why: Reason): NewEvent {
  return {
    ...{ kind: 'cron.skipped', actor: 'controller', app: app.name, message: why.message },
    next: why.hint?.split(': ').at(-1) ?? `slipway cron:history ${entry.name} -a ${app.name}`,
  };
}

export function wentBackEvent(byMs: number): NewEvent {
  return {
    ...{ kind: 'cron.clock_back', actor: 'controller' },
    message: `The clock of the controller went back by ${formatDuration(byMs)}. Cron entries follow the new time.`,
    next: 'timedatectl',
  };
}

export function missedReason({ app, entry }: Named, { tickMs }: DueTick): Reason {
  return {
    code: 'SLIP_CRON_MISSED',
    message: `${entry.name} of ${app.name} did not run at ${sayTime(tickMs)}, because the controller was away.`,
    hint: `Start it with: slipway cron:run ${entry.name} -a ${app.name}`,
  };
}

export function stoppedReason({ app, entry }: Named, { tickMs }: DueTick): Reason {
  return {
    code: 'SLIP_CRON_STOPPED',
    message: `${entry.name} of ${app.name} did not run at ${sayTime(tickMs)}, because it is stopped.`,
    hint: `Start it again with: slipway ps:start -a ${app.name}`,
  };
}

export function runningReason({ app, entry }: Named, running: number): Reason {
  const runs = running === 1 ? 'its former run has' : `${String(running)} runs of it have`;
  return {
    code: 'SLIP_CRON_RUNNING',
    message: `${entry.name} of ${app.name} did not start, because ${runs} not ended.`,
    hint: `See them with: slipway cron:history ${entry.name} -a ${app.name}`,
  };
}

function countOf(missed: number): string {
  if (missed >= MISSED_COUNTED_MAX - 1) return `${String(missed)} or more runs`;
  return missed === 1 ? '1 run' : `${String(missed)} runs`;
}

function sayTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
