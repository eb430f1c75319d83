import { SlipwayError } from '../kit/errors.ts';
import { quoteInput } from './names.ts';

/** Settings of an app's owner for its builds. Each build reads them at its start. */
export interface BuildSettings {
  /** The folder of the repository that is built, e.g. `services/api`; absent: the whole repository. */
  readonly root?: string | undefined;
  /** Names or URLs, in order; empty: app.json, .buildpacks or detection decide. */
  readonly buildpacks: readonly string[];
  /** Absent: the defaults. */
  readonly limits?: BuildLimits | undefined;
  /** How often the build cache was purged. A cache with another number is not used. Absent: never. */
  readonly cacheNumber?: number | undefined;
}

/** Limits of the builds of one app. Absent fields have their default. */
export interface BuildLimits {
  readonly memoryBytes?: number | undefined;
  readonly diskBytes?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** One change of the list, with Heroku's rules. Positions start at 1. */
export type BuildpackEdit =
  | { readonly op: 'set' | 'add'; readonly name: string; readonly index?: number | undefined }
  | { readonly op: 'remove'; readonly name?: string | undefined; readonly index?: number | undefined }
  | { readonly op: 'clear' };

export const NO_BUILD_SETTINGS: BuildSettings = Object.freeze({ buildpacks: [] });

/** The same maximum as in app.json. */
const MAX_BUILDPACKS = 20;
const MAX_BUILDPACK_LENGTH = 1000;
/** Room for several folders; the longest name of one folder has 255 bytes. */
const MAX_ROOT_LENGTH = 255;

const NAME = /^(urn:buildpack:)?[A-Za-z0-9][\w-]*(\/[A-Za-z0-9][\w.-]*)?$/;
const ADDRESS = /^((https?|git|ssh):\/\/|[\w.-]+@[\w.-]+:|\.?\/)[\x21-\x7e]+$/;

/** A folder of the repository: relative, without `.` and `..`. @throws SLIP_BUILD_ROOT */
export function parseBuildRoot(text: string): string {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  const isOutside = text.startsWith('/') || parts.includes('..');
  const isOdd =
    parts.length === 0 || parts.includes('.git') || /[\p{Cc}\\]/u.test(text) || text.length > MAX_ROOT_LENGTH;
  if (!isOutside && !isOdd) return parts.join('/');
  throw new SlipwayError({
    code: 'SLIP_BUILD_ROOT',
    httpStatus: 422,
    message: `${quoteInput(text)} is not a folder inside a repository.`,
    hint: `Name a folder relative to the top of the repository, of at most ${String(MAX_ROOT_LENGTH)} characters: slipway apps:root services/api. For the whole repository: slipway apps:root --clear`,
  });
}

/** The list after an edit. @throws SLIP_BUILDPACK_NAME, SLIP_BUILDPACK_EXISTS, SLIP_BUILDPACK_LIMIT, SLIP_BUILDPACK_INDEX, SLIP_BUILDPACK_ABSENT */
export function editBuildpacks(now: readonly string[], edit: BuildpackEdit): readonly string[] {
  switch (edit.op) {
    case 'clear':
      return [];
    case 'remove':
      return now.toSpliced(placeToRemove(now, edit), 1);
    case 'set':
      return place(now, edit, { at: (edit.index ?? 1) - 1, replaced: 1 });
    case 'add':
      return place(now, edit, { at: (edit.index ?? now.length + 1) - 1, replaced: 0 });
  }
}

function place(
  now: readonly string[],
  { name, index }: { readonly name: string; readonly index?: number | undefined },
  { at, replaced }: { readonly at: number; readonly replaced: number },
): readonly string[] {
  checkName(name);
  if (at < 0 || at > now.length) throw noSuchPosition(index ?? 1, now.length + 1);
  const rest = now.toSpliced(at, replaced);
  if (rest.includes(name)) throw alreadySet(name);
  if (rest.length >= MAX_BUILDPACKS) throw tooMany();
  return now.toSpliced(at, replaced, name);
}

function placeToRemove(
  now: readonly string[],
  { name, index }: { readonly name?: string | undefined; readonly index?: number | undefined },
): number {
  if (index !== undefined) {
    if (index < 1 || index > now.length) throw noSuchPosition(index, now.length);
    return index - 1;
  }
  // Nobody sees the credentials of a URL that is set, so the URL without them is enough.
  const exact = now.indexOf(name ?? '');
  const at = exact >= 0 ? exact : now.findIndex((set) => withoutCredentials(set) === name);
  if (at < 0) throw notSet(name ?? '');
  return at;
}

/** A URL without the user name and password in it. In a text that is not a URL, a password may have any character. */
export function withoutCredentials(buildpack: string): string {
  const credentials = URL.canParse(buildpack) ? /^([a-z][a-z\d+.-]*:\/\/)[^/]*@/i : /^([a-z][a-z\d+.-]*:\/\/).*@/is;
  return buildpack.replace(credentials, '$1');
}

function checkName(name: string): void {
  const isAddress = ADDRESS.test(name) && (!name.includes('://') || URL.canParse(name));
  if (name.length <= MAX_BUILDPACK_LENGTH && (NAME.test(name) || isAddress)) return;
  throw new SlipwayError({
    code: 'SLIP_BUILDPACK_NAME',
    httpStatus: 422,
    message: `${quoteInput(withoutCredentials(name))} is not a name, URL or folder of a buildpack.`,
    hint: 'Give a name such as heroku/nodejs, the URL of a repository or archive, or a folder of the app: ./my-buildpack',
  });
}

function alreadySet(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILDPACK_EXISTS',
    kind: 'conflict',
    message: `The buildpack ${withoutCredentials(name)} is already set.`,
    hint: 'See the list with: slipway buildpacks',
  });
}

function tooMany(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILDPACK_LIMIT',
    httpStatus: 422,
    message: `An app can have at most ${String(MAX_BUILDPACKS)} buildpacks.`,
    hint: 'Remove one first: slipway buildpacks:remove --index 1',
  });
}

function noSuchPosition(index: number, last: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILDPACK_INDEX',
    httpStatus: 422,
    message:
      last === 0
        ? 'This app has no buildpacks set.'
        : `There is no buildpack at position ${String(index)}. Give a number from 1 to ${String(last)}.`,
    hint: 'See the list with: slipway buildpacks',
  });
}

function notSet(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILDPACK_ABSENT',
    httpStatus: 404,
    message: `The buildpack ${quoteInput(withoutCredentials(name))} is not set.`,
    hint: 'See the list with: slipway buildpacks',
  });
}
