import type { RunningCommandBody } from '../../shared/api/runs.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { RenderContext } from './render-context.ts';
import type { Cell } from './table.ts';

/** A running one-off command, with the command that shows its output. */
export function commandRow(command: RunningCommandBody, { paint, nowMs }: RenderContext): Cell[] {
  const { app, name, node, startedAtMs, stopping } = command;
  return [
    app,
    name,
    `on ${node}`,
    startedAtMs === undefined ? 'starting' : `for ${formatDuration(nowMs - startedAtMs)}`,
    stopping === true ? { text: 'is being stopped', paint: paint.yellow } : '',
    { text: outputCommand(command), paint: paint.cyan },
  ];
}

function outputCommand({ app, name, kind, release }: RunningCommandBody): string {
  if (kind === 'release') return `slipway releases:output v${String(release)} -a ${app}`;
  return kind === 'cron' ? `slipway cron:output ${name} -a ${app}` : `slipway run:logs ${name} -a ${app}`;
}
