import type { LogLineBody } from '../../shared/domain/api.ts';
import { escapeControls } from './escape.ts';
import type { Paint } from './paint.ts';

/** Heroku's shape: `2026-11-20T10:00:00.000000+00:00 app[web.1]: message`. `raw` leaves the message as it came. */
export function renderLogLine(line: LogLineBody, paint: Paint, raw: boolean): string {
  const time = new Date(line.atMs).toISOString().replace('Z', '000+00:00');
  const colour = line.source === 'app' ? paint.cyan : paint.yellow;
  const message = raw ? line.message : escapeControls(line.message);
  return `${paint.dim(time)} ${colour(`${line.source}[${escapeControls(line.process)}]:`)} ${message}\n`;
}
