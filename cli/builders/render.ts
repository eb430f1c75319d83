import type { BuildersBody } from '../../shared/api/builds.ts';
import { sayWhoBuilds } from '../../shared/domain/placement.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';
import { renderTable, type Cell } from '../terminal/table.ts';

const NO_BUILDER = { message: 'No node may build now, so every push is refused.', next: 'slipway builders:set --any' };

export function renderBuilders({ require: required, nodes }: BuildersBody, paint: Paint): string {
  const rows = nodes.map(({ name, whyNot }): Cell[] => {
    const word =
      whyNot === undefined ? { text: 'builds', paint: paint.green } : { text: 'does not', paint: paint.yellow };
    return [name, word, whyNot ?? ''];
  });
  const nobody = nodes.every(({ whyNot }) => whyNot !== undefined) ? `\n${renderProblems([NO_BUILDER], paint)}` : '';
  return `=== ${paint.bold('Builders')}\n${sayWhoBuilds(required)}\n${renderTable(rows)}${nobody}`;
}
