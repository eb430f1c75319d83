import { oneLine } from './escape.ts';

export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

/** Columns are as wide as their widest cell and two spaces apart. The last column is not padded. */
export function renderTable(rows: readonly (readonly Cell[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, textOf(cell).length)));
  return rows.map((row) => `${indent}${renderRow(row, widths)}\n`).join('');
}

function renderRow(row: readonly Cell[], widths: readonly number[]): string {
  const last = row.findLastIndex((cell) => textOf(cell) !== '');
  const cells = row.slice(0, last + 1);
  return cells
    .map(
      (cell, column) =>
        painted(cell) + ' '.repeat(column === last ? 0 : (widths[column] ?? 0) - textOf(cell).length + 2),
    )
    .join('');
}

function textOf(cell: Cell): string {
  return oneLine(typeof cell === 'string' ? cell : cell.text);
}

function painted(cell: Cell): string {
  return typeof cell === 'string' ? textOf(cell) : cell.paint(textOf(cell));
}
