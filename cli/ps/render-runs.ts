import type { RunBody } from '../../shared/api/runs.ts';
import { oneLine } from '../terminal/escape.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { renderAgo, renderTime } from '../terminal/time.ts';

const MIB = 1024 * 1024;

/** Running commands below the processes of `ps`, as on Heroku. */
export function renderRunning(runs: readonly RunBody[], { paint, nowMs }: RenderContext): string {
  const running = runs.filter(isRunning);
  if (running.length === 0) return '';
  const lines = running.map((run) => {
    const since = run.startedAtMs ?? run.createdAtMs;
    const size = `${String(Math.round(run.memoryBytes / MIB))}M`;
    const up = `${paint.green('up')} ${renderTime(since)} (${renderAgo(since, nowMs)}), on ${run.node}, v${String(run.release)}`;
    return `${run.name} (${size}): ${up}: ${oneLine(run.command)}\n`;
  });
  return `=== ${paint.bold('run')}: one-off commands (${String(running.length)})\n${lines.join('')}`;
}

function isRunning({ state }: RunBody): boolean {
  return state === 'running' || state === 'pending';
}
