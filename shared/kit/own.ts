/**
 * What a record itself has under a name that a person chose: a process type, a label or a variable may be called `constructor`,
 * and every object has one.
 */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
