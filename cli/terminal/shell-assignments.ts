import type { ConfigBody } from '../../shared/api/releases.ts';

/** For `. <(slipway config -s)`: quoted, so that a shell changes no value. */
export function renderConfigForShell({ config }: ConfigBody): string {
  return Object.entries(config)
    .map(([name, value]) => `${name}=${quoteForShell(value)}\n`)
    .join('');
}

/** A word that a POSIX shell reads as this value. */
export function quoteForShell(value: string): string {
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
