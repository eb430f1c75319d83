import type { ConfigBody } from '../../shared/api/releases.ts';

/** For `. <(slipway config -s)`: quoted, so that a shell changes no value. */
export function renderConfigForShell({ config }: ConfigBody): string {
  return Object.entries(config)
    .map(
      ([name, value]) =>
        `${name}=${/^[A-Za-z0-9_./:@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`}\n`,
    )
    .join('');
}
