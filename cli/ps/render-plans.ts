import type { ProcessPlanBody } from '../../shared/api/formation.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable, type Cell } from '../terminal/table.ts';

/** `web=3 worker=1`, in the form that ps:scale takes. */
export function renderScale(app: string, plans: readonly ProcessPlanBody[]): string {
  if (plans.length === 0) return `${app} has no process types yet. Deploy it with: git push slipway main\n`;
  return `${plans.map(({ type, quantity }) => `${type}=${String(quantity)}`).join(' ')}\n`;
}

export function renderLimits(app: string, plans: readonly ProcessPlanBody[], paint: Paint): string {
  const rows = plans.map(({ type, limits }): Cell[] => [
    type,
    `${size(limits.memoryBytes)} memory`,
    limits.cpuMillis === 0 ? 'fair share of CPU' : `${String(limits.cpuMillis / 1000)} CPU`,
    `${String(limits.pidsMax)} processes`,
    `${size(limits.diskBytes)} disk`,
  ]);
  return `=== ${paint.bold(`${app} limits`)}, each instance\n${renderTable(rows)}`;
}

/** `512M`, or `2G` if it is a whole number of G. */
function size(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  return mebibytes >= 1024 && mebibytes % 1024 === 0
    ? `${String(mebibytes / 1024)}G`
    : `${String(Math.round(mebibytes))}M`;
}
