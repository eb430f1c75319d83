import type { RebalanceBody } from '../../shared/api/nodes.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';

export function renderMoves({ moves, running }: RebalanceBody, paint: Paint): string {
  if (moves.length === 0) return 'The fleet is even: nothing to move.\n';
  const rows = moves.map(({ app, instance, from, to, state }) => [
    app,
    instance,
    `${from} → ${to}`,
    state === 'planned' ? '' : state,
  ]);
  const title = `=== ${paint.bold(running ? 'Rebalancing, one move at a time' : 'Moves that would even the fleet out')}\n`;
  return `${title}${renderTable(rows)}${running ? '' : '\nMake them with: slipway rebalance --yes\n'}`;
}
