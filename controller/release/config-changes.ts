import { parseConfigName } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { own } from '../../shared/kit/own.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';

/** Undefined removes. */
export type ConfigChanges = Readonly<Record<string, string | undefined>>;

export interface ConfigChanged {
  /** Of the release that the change made: none before the first deploy, and none when there was nothing to change. */
  readonly version?: number | undefined;
  /** The names whose values are others now. */
  readonly changed: readonly string[];
}

export function namesThatChange(config: ConfigVars, changes: ConfigChanges): readonly string[] {
  return Object.keys(changes)
    .filter((name) => own(config, name)?.reveal() !== changes[name])
    .sort();
}

export function isSameConfig(one: ConfigVars, other: ConfigVars): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => own(other, name)?.reveal() === one[name]?.reveal());
}

/** As Heroku words it. When a failed change is tried again, nothing changes but the release: then all of it is named. */
export function describeChange(changes: ConfigChanges, changed: readonly string[]): string {
  const names = changed.length > 0 ? changed : Object.keys(changes).sort();
  return `${names.every((name) => changes[name] === undefined) ? 'Unset' : 'Set'} ${names.join(', ')} config vars`;
}

const RESERVED = new Set(['PORT', 'DYNO', 'HOME', 'PS1']);
const MAX_VALUE_BYTES = 64 * 1024;

/** @throws SLIP_NAME_CONFIG, SLIP_CONFIG_RESERVED, SLIP_CONFIG_VALUE */
export function checkConfig(name: string, value: string | undefined): void {
  parseConfigName(name);
  if (RESERVED.has(name)) {
    throw new SlipwayError({
      code: 'SLIP_CONFIG_RESERVED',
      message: `${name} is set by Slipway itself.`,
      hint: 'Choose another name.',
      httpStatus: 422,
    });
  }
  if (value !== undefined && (value.includes('\0') || Buffer.byteLength(value) > MAX_VALUE_BYTES)) {
    throw new SlipwayError({
      code: 'SLIP_CONFIG_VALUE',
      message: `The value of ${name} has a NUL byte or is longer than 64 KiB.`,
      hint: 'Put large or binary data in a file of the app or in a store, and its address in the variable.',
      httpStatus: 422,
    });
  }
}
