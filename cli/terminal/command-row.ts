import type { RunningCommandBody } from '../../shared/api/runs.ts';
import { outputCommand } from '../../shared/domain/output-command.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { RenderContext } from './render-context.ts';
import type { Cell } from './table.ts';

/** A running one-off command, with the command that shows its output. */
export function commandRow(command: RunningCommandBody, { paint, nowMs }: RenderContext): Cell[] {
  const { app, name, kind, release, node, startedAtMs, stopping } = command;
  return [
    app,
    name,
    `on ${node}`,
    startedAtMs === undefined ? 'starting' : `for ${formatDuration(nowMs - startedAtMs)}`,
    stopping === true ? { text: 'is being stopped', paint: paint.yellow } : '',
    { text: outputCommand(app, { process: name, kind, release }), paint: paint.cyan },
  ];
}
