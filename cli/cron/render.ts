import type { CronEntryBody, CronOutputBody, CronRunBody } from '../../shared/api/cron.ts';
import { formatDuration, formatRemaining } from '../../shared/kit/duration.ts';
import { oneLine } from '../terminal/escape.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { stateCell } from '../terminal/state-cell.ts';
import { renderTable, type Cell } from '../terminal/table.ts';
import { renderAgo, renderTime } from '../terminal/time.ts';

export function renderCron(app: string, entries: readonly CronEntryBody[], { paint, nowMs }: RenderContext): string {
  if (entries.length === 0) return `${app} has no cron entries. Add a list "cron" to app.json, commit and push.\n`;
  const rows = entries.map((entry): Cell[] => [
    entry.name,
    `${entry.schedule} (${entry.timeZone})`,
    sayNext(entry, nowMs),
    ...(entry.last === undefined
      ? ['no run yet']
      : [{ text: sayLast(entry.last, nowMs), paint: paintOf(entry.last, paint) }]),
    oneLine(entry.command ?? `process type ${entry.type ?? ''}`).slice(0, 60),
  ]);
  return `=== ${paint.bold(`${app} cron entries`)}\n${renderTable(rows)}`;
}

export function renderCronRuns(app: string, runs: readonly CronRunBody[], { paint, nowMs }: RenderContext): string {
  if (runs.length === 0) return `No cron entry of ${app} ran yet. See when they run with: slipway cron -a ${app}\n`;
  const rows = runs.map((run): Cell[] => [
    run.run ?? run.entry,
    stateCell(run.state, paint),
    run.tickMs === undefined ? `by ${run.user ?? 'a user'}` : `for ${renderTime(run.tickMs).slice(0, 16)} UTC`,
    renderAgo(run.atMs, nowMs),
    run.durationMs === undefined ? '' : `took ${formatDuration(run.durationMs)}`,
    run.node ?? '',
    oneLine(run.failure?.message ?? ''),
  ]);
  return `=== ${paint.bold(`${app} cron runs`)}\n${renderTable(rows)}`;
}

export function renderOutput(body: CronOutputBody): string {
  const isRemoved = body.output === '' && body.outputBytes > 0;
  const hint = `Its output is not kept any more. See the logs of the app: slipway logs -p cron.${body.entry}\n`;
  if (isRemoved) return `${hint}${body.run ?? ''} ${sayEnd(body)}.\n`;
  const end = body.output === '' || body.output.endsWith('\n') ? '' : '\n';
  return `${body.output}${end}${body.run ?? ''} ${sayEnd(body)}.\n`;
}

export function isRunning({ state }: CronRunBody): boolean {
  return state === 'pending' || state === 'running';
}

/** `succeeded after 3 s`, `failed after 3 s with exit code 1` */
export function sayEnd(run: CronRunBody): string {
  if (isRunning(run)) return 'is running';
  const after = run.durationMs === undefined ? '' : ` after ${formatDuration(run.durationMs)}`;
  const code = run.exitCode === undefined || run.exitCode === 0 ? '' : ` with exit code ${String(run.exitCode)}`;
  const state = run.state === 'cancelled' ? 'was stopped' : run.state;
  return `${state}${after}${code}`;
}

function sayNext({ suspended, stopped, nextAtMs }: CronEntryBody, nowMs: number): string {
  if (suspended) return 'suspended';
  if (stopped) return 'stopped';
  if (nextAtMs === undefined) return 'never';
  return `in ${formatRemaining(nextAtMs - nowMs)} (${renderTime(nextAtMs).slice(0, 16)} UTC)`;
}

function sayLast(run: CronRunBody, nowMs: number): string {
  const what = run.state === 'skipped' ? 'did not run' : sayEnd(run);
  return `${what}, ${renderAgo(run.finishedAtMs ?? run.atMs, nowMs)}`;
}

function paintOf(run: CronRunBody, paint: RenderContext['paint']): (text: string) => string {
  if (run.state === 'failed') return paint.red;
  if (run.state === 'succeeded') return paint.green;
  return paint.yellow;
}
