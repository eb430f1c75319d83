import { textFlag, type Flags } from './cli.ts';
import { usageError } from './usage-error.ts';

/** A whole number within bounds. @throws SLIP_CLI_USAGE */
export function parseCount(text: string, { flag, min, max }: { flag: string; min: number; max: number }): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usageError(
    `${flag} must be a whole number from ${min} to ${max}.`,
    `For example: ${flag} ${Math.min(max, 50)}`,
  );
}

/** The value of the one flag that was given among several. @throws SLIP_CLI_USAGE for more than one */
export function oneOf(spellings: readonly (string | undefined)[], example: string): string | undefined {
  const given = spellings.filter((each) => each !== undefined);
  if (given.length > 1) throw usageError('Name only one process.', `For example: ${example}`);
  return given[0];
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `2h`, `60d` as ms. @throws SLIP_CLI_USAGE */
export function parseDurationMs(text: string, flag: string, example = `${flag} 15m`): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const unitMs = UNITS_MS[match?.[2] ?? ''];
  if (match !== null && unitMs !== undefined) return Number(match[1]) * unitMs;
  throw usageError(`${flag} must be a number and a unit: s, m, h or d.`, `For example: ${example}`);
}

/** `NAME=value` pairs. A value may contain `=`. @throws SLIP_CLI_USAGE */
export function parseAssignments(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
      // The message does not repeat the word: without a quote it may be a part of a secret value.
      throw usageError('Set each variable with NAME=value.', 'For example: slipway config:set GREETING="hello there"');
    }),
  );
}

/** `web` or `web.1`. @throws SLIP_CLI_USAGE */
export function parseProcess(text: string, flag: string): string {
  if (/^(?:[A-Za-z0-9_-]{1,63}(?:\.\d{1,6})?|(?:cron|release)\.[a-z0-9-]{1,40}(?:\.\d{1,9})?)$/.test(text)) return text;
  throw usageError(`${flag} must be a process type or an instance.`, `For example: ${flag} web or ${flag} web.1`);
}

/** @throws SLIP_CLI_USAGE */
export function parseLogSource(text: string): 'app' | 'slipway' {
  if (text === 'app') return 'app';
  if (text === 'slipway' || text === 'heroku') return 'slipway';
  throw usageError('--source must be app or slipway.', 'For example: slipway logs --source app');
}

/** `web=2`, `web+1` or `web-1`. A type may contain dashes, so the last sign counts. @throws SLIP_CLI_USAGE */
export function parseQuantity(word: string): { type: string; quantity: string } {
  const match = /^([A-Za-z0-9_-]+)(?:=([^=]+)|([+-]\d+))$/.exec(word);
  const [, type, exact, change] = match ?? [];
  const quantity = exact ?? change;
  if (type !== undefined && quantity !== undefined) return { type, quantity };
  throw usageError(`${JSON.stringify(word)} is not TYPE=QUANTITY.`, 'For example: slipway ps:scale web=3 worker=all');
}

const UNITS_BYTES: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** `512M`, `2G`, `1.5G`, also `512MB` and `512MiB`: powers of 1024. @throws SLIP_CLI_USAGE */
export function parseBytes(text: string, flag: string): number {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)([KMGT])(?:i?B)?$/i.exec(text);
  const unit = UNITS_BYTES[match?.[2]?.toUpperCase() ?? ''];
  if (match !== null && unit !== undefined) return Math.round(Number(match[1]) * unit);
  throw usageError(`${flag} must be a number and a unit: M or G.`, `For example: ${flag} 512M`);
}

/** `0.5`, `2`, or `none` (0), as thousandths of a CPU. @throws SLIP_CLI_USAGE */
export function parseCpuMillis(text: string, flag: string): number {
  if (text === 'none') return 0;
  const millis = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * 1000) : 0;
  if (millis >= 10 && millis <= 1_024_000) return millis;
  throw usageError(`${flag} must be a number of CPUs from 0.01 to 1024, or none.`, `For example: ${flag} 0.5`);
}

/** `region=fra,disk=ssd`. @throws SLIP_CLI_USAGE */
export function parseLabels(text: string, flag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(',').map((word) => {
      const [label = '', value = '', ...rest] = word.split('=');
      if (label !== '' && value !== '' && rest.length === 0) return [label, value];
      throw usageError(
        `${flag} must be LABEL=VALUE. Separate several labels with commas.`,
        `For example: ${flag} region=fra,disk=ssd`,
      );
    }),
  );
}

/** How many entries of a list `--num` asks for. @throws SLIP_CLI_USAGE */
export function pageLimit(flags: Flags): number {
  return parseCount(textFlag(flags, 'num') ?? '15', { flag: '--num', max: 1000, min: 1 });
}
