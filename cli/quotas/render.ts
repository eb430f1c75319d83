import type { QuotasBody } from '../../shared/api/quotas.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';

export function renderQuotas({ user, quotas }: QuotasBody, paint: Paint): string {
  const rows = quotas.map(({ name, what, max, used, own }) => [
    name,
    used === undefined ? `at most ${String(max)}` : `${String(used)} of ${String(max)}`,
    own ? `${what}, set for ${user}` : what,
  ]);
  return `=== ${paint.bold(`Quotas of ${user}`)}\n${renderTable(rows)}`;
}
