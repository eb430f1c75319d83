import type { RunBody } from '../../shared/api/runs.ts';
import { howItEnded } from '../../shared/domain/instance.ts';
import { oneLine } from '../terminal/escape.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { renderTable, type Cell } from '../terminal/table.ts';
import { renderAgo } from '../terminal/time.ts';

export function renderRuns(app: string, runs: readonly RunBody[], { paint, nowMs }: RenderContext): string {
  if (runs.length === 0)
    return `${app} has no one-off commands. Start one with: slipway run:detached -a ${app} -- COMMAND\n`;
  const rows = runs.map((run): Cell[] => [
    run.name,
    `v${String(run.release)}`,
    sayState(run),
    run.node,
    run.user,
    renderAgo(run.createdAtMs, nowMs),
    oneLine(run.command).slice(0, 60),
  ]);
  return `=== ${paint.bold(`${app} one-off commands`)}\n${renderTable(rows)}`;
}

function sayState(run: RunBody): string {
  if (run.state === 'pending') return 'starting';
  if (run.state !== 'failed' || run.exit === undefined) return run.state;
  if (run.failure?.code === 'SLIP_COMMAND_DRAINED') return 'stopped: its node was drained';
  return run.failure?.code === 'SLIP_COMMAND_TIMEOUT' ? 'ran too long' : howItEnded({ ...run.exit, atMs: 0 });
}
