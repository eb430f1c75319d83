import type { EnvEntry } from './parse.ts';
import { renderEnvFile } from './write.ts';

/** Sets variables in the text of a .env file. The other lines and the comments stay as they are. */
export function updateEnvFile(
  text: string,
  entries: readonly EnvEntry[],
  values: Readonly<Record<string, string>>,
): string {
  const old = entries.filter(({ name }) => Object.hasOwn(values, name));
  const kept = old.reduceRight((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text);
  const newline = kept === '' || kept.endsWith('\n') ? '' : '\n';
  return `${kept}${newline}${renderEnvFile(values)}`;
}
