import type { ProcessPlanBody } from '../../shared/api/formation.ts';
import type { Paint } from './paint.ts';
import { renderTable, type Cell } from './table.ts';

/** `web=3 worker=1`, as it can be given back to ps:scale. */
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

export function renderPlacement(app: string, plans: readonly ProcessPlanBody[], paint: Paint): string {
  const rows = plans.map((plan): Cell[] => [plan.type, howMany(plan), where(plan), onFull(plan)]);
  return `=== ${paint.bold(`${app} placement`)}\n${renderTable(rows)}`;
}

function howMany({ quantity }: ProcessPlanBody): string {
  return quantity === 'all' ? 'one on every node' : String(quantity);
}

function where({ placement }: ProcessPlanBody): string {
  const labels = Object.entries(placement.require).map(([label, value]) => `${label}=${value}`);
  const nodes = labels.length === 0 ? 'any node' : `nodes with ${labels.join(', ')}`;
  return placement.spread === undefined ? nodes : `${nodes}, spread over ${placement.spread}`;
}

function onFull({ placement }: ProcessPlanBody): string {
  return placement.onFull === 'wait' ? 'no room: waits' : 'no room: stops the old first';
}

/** `512M`, `2G`; what is not whole in a unit is shown in the next smaller one. */
function size(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  return mebibytes >= 1024 && mebibytes % 1024 === 0
    ? `${String(mebibytes / 1024)}G`
    : `${String(Math.round(mebibytes))}M`;
}
