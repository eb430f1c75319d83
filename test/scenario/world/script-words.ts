import type { PlacementRule } from '../../../shared/domain/placement.ts';

/** Pure: what the words of a script mean. */

/** `require.region=fra onFull=stop-first` */
export function ruleOf(words: readonly string[]): Partial<PlacementRule> {
  const pairs = pairsOf(words);
  const labels = pairs
    .filter(([name]) => name.startsWith('require.'))
    .map(([name, value]) => [name.slice('require.'.length), value]);
  const rest = Object.fromEntries(pairs.filter(([name]) => !name.startsWith('require.')));
  return { ...rest, ...(labels.length === 0 ? {} : { require: Object.fromEntries(labels) as Record<string, string> }) };
}

/** `500ms`, `5s` */
export function millisecondsOf(time: string): number {
  return time.endsWith('ms') ? parseFloat(time) : parseFloat(time) * 1000;
}

/** `web=serve` → ['web', 'serve'] */
export function pairsOf(words: readonly string[]): [string, string][] {
  return words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
}

/** The output has the second of each event, so a change of a few milliseconds changes no line. */
export function withoutMilliseconds(line: string): string {
  return line.replace(/^( *\d+)\.\d{3} /, '$1 ');
}
