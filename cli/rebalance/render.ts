import type { RebalanceBody } from '../../shared/api/nodes.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';

export function renderMoves({ moves, running }: RebalanceBody, paint: Paint): string {
  if (moves.length === 0) return 'The fleet is balanced: there is nothing to move.\n';
  const rows = moves.map(({ app, instance, from, to, state }) => [
    app,
    instance,
    `${from} → ${to}`,
    state === 'planned' ? '' : state,
  ]);
  const title = `=== ${paint.bold(running ? 'Rebalancing, one move at a time' : 'Moves that would balance the fleet')}\n`;
  return `${title}${renderTable(rows)}${running ? '' : '\nTo make these moves: slipway rebalance --yes\n'}`;
}
