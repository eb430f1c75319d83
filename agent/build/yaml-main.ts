// A separate program that reads YAML from standard input and writes JSON. parse-in-child-process.ts runs it with limits.
import { text } from 'node:stream/consumers';
import { parse } from './yaml.ts';

/** More aliases could turn a small text into a huge value. */
const MAX_ALIASES = 10;

try {
  const value: unknown = parse(await text(process.stdin), { maxAliasCount: MAX_ALIASES, logLevel: 'error' });
  process.stdout.write(JSON.stringify(value ?? null));
} catch {
  process.exitCode = 1;
}
