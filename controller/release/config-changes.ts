import { CONFIG_BYTES_MAX } from '../../shared/domain/config-size.ts';
import { parseConfigName } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { Sensitive, type ConfigVars } from '../../shared/kit/sensitive.ts';

/** A value of undefined removes the variable. */
export type ConfigChanges = Readonly<Record<string, string | undefined>>;

export interface ConfigChanged {
  /** The release that the change made. There is none before the first deploy, and none when nothing changed. */
  readonly version?: number | undefined;
  /** The names whose values changed. */
  readonly changed: readonly string[];
}

/** @throws SLIP_CONFIG_CHANGED */
export function checkRevision(app: string, { expected, found }: { expected: string | undefined; found: string }): void {
  if (expected === undefined || expected === found) return;
  throw new SlipwayError({
    code: 'SLIP_CONFIG_CHANGED',
    kind: 'conflict',
    message: `The config vars of ${app} changed after you read them. Nothing was set.`,
    hint: `See them with: slipway config -a ${app}. Then run your command again.`,
    httpStatus: 409,
  });
}

export function namesThatChange(config: ConfigVars, changes: ConfigChanges): readonly string[] {
  return Object.keys(changes)
    .filter((name) => ownProperty(config, name)?.reveal() !== changes[name])
    .sort();
}

export function applyChanges(config: ConfigVars, changes: ConfigChanges): ConfigVars {
  const kept = Object.entries(config).filter(([name]) => !Object.hasOwn(changes, name));
  const set = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, new Sensitive(value)] as const],
  );
  return Object.fromEntries([...kept, ...set]);
}

export function isSameConfig(one: ConfigVars, other: ConfigVars): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => ownProperty(other, name)?.reveal() === one[name]?.reveal())
  );
}

/** The text that Heroku uses. When a failed change is tried again, no value changes, so all names are listed. */
export function describeChange(changes: ConfigChanges, changed: readonly string[]): string {
  const names = changed.length > 0 ? changed : Object.keys(changes).sort();
  return `${names.every((name) => changes[name] === undefined) ? 'Unset' : 'Set'} ${names.join(', ')} config vars`;
}

const RESERVED = new Set(['PORT', 'DYNO', 'HOME', 'PS1']);

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
  if (value !== undefined && (value.includes('\0') || Buffer.byteLength(value) > CONFIG_BYTES_MAX)) {
    throw new SlipwayError({
      code: 'SLIP_CONFIG_VALUE',
      message: value.includes('\0')
        ? `The value of ${name} has a NUL byte.`
        : `The value of ${name} has ${String(Buffer.byteLength(value))} bytes; the limit is ${String(CONFIG_BYTES_MAX)} for all config vars of an app.`,
      hint: 'Put large or binary data in a file of the app or in a store, and set the variable to its address.',
      httpStatus: 422,
    });
  }
}
