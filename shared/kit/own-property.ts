/**
 * A property of the record itself, never an inherited one. Use it for names that users choose: a process type, a label or a
 * config var may be called `constructor`, and every object inherits a property of that name.
 */
export function ownProperty<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
