/** Inside path → path on this machine. */
export type PathTable = Readonly<Record<string, string>>;

/** Replaces a sandbox path at the beginning of a value by the path on this machine. It matches whole segments; the longest match wins. Pure. */
export function translatePath(value: string, table: PathTable): string {
  const [match] = Object.keys(table)
    .filter((inside) => value === inside || value.startsWith(`${inside}/`))
    .sort((a, b) => b.length - a.length);
  return match === undefined ? value : `${table[match] ?? match}${value.slice(match.length)}`;
}

export function translateAll(values: Readonly<Record<string, string>>, table: PathTable): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, translatePath(value, table)]));
}
