import type { ConfigVars } from '../kit/sensitive.ts';
import { SlipwayError } from '../kit/errors.ts';

/**
 * Most bytes of all config variables of an app, as Linux counts an environment. It is Heroku's number, and half of the 128 KiB
 * that Linux always grants to a program's arguments and environment: the other half is for the platform, the buildpacks and the app.
 */
export const CONFIG_BYTES_MAX = 64 * 1024;
/** Most config variables of an app; each one is a file in a build and a field in a message. */
export const CONFIG_VARS_MAX = 1_000;
/** The "=" after a name and the NUL byte after a value. */
const VAR_OVERHEAD_BYTES = 2;
/** How many variables an error names. */
const NAMED_MAX = 5;

/** Bytes of `NAME=value` with the NUL byte. */
function varBytes(name: string, value: string): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value) + VAR_OVERHEAD_BYTES;
}

export function configBytes(config: ConfigVars): number {
  return Object.entries(config).reduce((sum, [name, value]) => sum + varBytes(name, value.reveal()), 0);
}

/**
 * Refuses a config that is too large. A change that makes a config smaller is always allowed, so that a config
 * that is older than the limit can be reduced variable by variable.
 * @throws SLIP_CONFIG_SIZE with the sizes, the largest variables and the command that removes them
 */
export function checkConfigSize(app: string, config: ConfigVars, before?: ConfigVars): void {
  const names = Object.keys(config);
  const bytes = configBytes(config);
  const shrinks = before !== undefined && bytes < configBytes(before) && names.length <= Object.keys(before).length;
  if (shrinks || (bytes <= CONFIG_BYTES_MAX && names.length <= CONFIG_VARS_MAX)) return;
  throw new SlipwayError({
    code: 'SLIP_CONFIG_SIZE',
    message:
      bytes > CONFIG_BYTES_MAX
        ? `The config vars of ${app} would have ${String(bytes)} bytes in all, names included; the limit is ${String(CONFIG_BYTES_MAX)}.`
        : `${app} would have ${String(names.length)} config vars; the limit is ${String(CONFIG_VARS_MAX)}.`,
    hint: `Keep large data in a file of the app or in a store. ${largestVars(app, config)}`,
    httpStatus: 422,
    details: { bytes, limitBytes: CONFIG_BYTES_MAX, vars: names.length, limitVars: CONFIG_VARS_MAX },
  });
}

/** Names the largest variables, and the command that removes the first of them. */
export function largestVars(app: string, config: ConfigVars): string {
  const sizes = Object.entries(config)
    .map(([name, value]): [string, number] => [name, varBytes(name, value.reveal())])
    .sort(([a, aBytes], [b, bBytes]) => bBytes - aBytes || (a < b ? -1 : 1))
    .slice(0, NAMED_MAX);
  const [first] = sizes;
  const words = sizes.map(([name, bytes]) => `${name} (${String(bytes)})`).join(', ');
  if (first === undefined) return `See them with: slipway config -a ${app}`;
  return `The largest are ${words}. Remove one with: slipway config:unset ${first[0]} -a ${app}`;
}
