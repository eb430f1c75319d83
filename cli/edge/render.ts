import type { EdgeBody } from '../../shared/api/edge.ts';
import { sayWhoAnswersHttps } from '../../shared/domain/placement.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';
import { renderTable, type Cell } from '../terminal/table.ts';

export function renderEdge({ require: required, nodes, problems }: EdgeBody, paint: Paint): string {
  const rows = nodes.map(({ name, connected, whyNot }): Cell[] => {
    const word =
      whyNot === undefined ? { text: 'answers HTTPS', paint: paint.green } : { text: 'does not', paint: paint.yellow };
    return [name, word, whyNot ?? (connected ? '' : 'it is not connected')];
  });
  const warnings = problems.length === 0 ? '' : `\n${renderProblems(problems, paint)}`;
  return `=== ${paint.bold('Edge Nodes')}\n${sayWhoAnswersHttps(required)}\n${renderTable(rows)}${warnings}`;
}
