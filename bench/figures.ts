/** The value in the middle; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** `median (minimum..maximum)`, rounded. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return '-';
  return `${String(Math.round(median(values)))} (${String(Math.round(Math.min(...values)))}..${String(Math.round(Math.max(...values)))})`;
}
