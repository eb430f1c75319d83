import { sql, type RawBuilder } from 'kysely';

/** One statement for lists of any length. */
export function listOf(values: readonly string[]): RawBuilder<string> {
  return sql<string>`(select value from json_each(${JSON.stringify(values)}))`;
}
