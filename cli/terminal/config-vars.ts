import type { ConfigBody } from '../../shared/api/releases.ts';
import { escapeControls } from './escape.ts';
import type { Paint } from './paint.ts';
import { renderTable } from './table.ts';

export function renderConfig(app: string, { config }: ConfigBody, paint: Paint): string {
  const vars = Object.entries(config);
  if (vars.length === 0) return `${app} has no config vars.\n`;
  const rows = vars.map(([name, value]) => [{ text: `${name}:`, paint: paint.green }, escapeControls(value)]);
  return `=== ${paint.bold(`${app} config vars`)}\n${renderTable(rows)}`;
}
