import type { ApiTokenInfoBody } from '../../shared/api/identity.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';
import { renderTime } from '../terminal/time.ts';

export function renderApiTokens(tokens: readonly ApiTokenInfoBody[], paint: Paint): string {
  if (tokens.length === 0) return 'You have no API tokens.\n';
  const rows = tokens.map((token) => [
    token.id,
    token.description,
    renderTime(token.createdAtMs),
    token.expiresAtMs === undefined ? '' : `until ${renderTime(token.expiresAtMs)}`,
  ]);
  return `=== ${paint.bold('Your API tokens')}\n${renderTable(rows)}`;
}
