import type { ProcessPlanBody } from '../../shared/api/formation.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable, type Cell } from '../terminal/table.ts';

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
  return placement.onFull === 'wait' ? 'without room: waits' : 'without room: stops old instances first';
}
