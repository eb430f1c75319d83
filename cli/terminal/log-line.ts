import type { LogLineBody } from '../../shared/api/observe.ts';
import { escapeControls, escapeUntrusted, type ControlsShown } from './escape.ts';
import type { Paint } from './paint.ts';

/** The format of Heroku: `2026-11-20T10:00:00.000000+00:00 app[web.1]: message`. */
export function renderLogLine(line: LogLineBody, paint: Paint, controls: ControlsShown): string {
  const time = new Date(line.atMs).toISOString().replace('Z', '000+00:00');
  const colour = line.source === 'app' ? paint.cyan : paint.yellow;
  return `${paint.dim(time)} ${colour(`${line.source}[${escapeControls(line.process)}]:`)} ${escapeUntrusted(line.message, controls)}\n`;
}
