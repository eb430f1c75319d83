import { SlipwayError } from '../kit/errors.ts';
import type { CronEntry } from './cron.ts';
import type { DeployScripts } from './deploy-scripts.ts';
import { jsonPlace } from './json-place.ts';
import { readCron } from './read-cron.ts';
import { readHealthChecks, type ReadChecks } from './read-health-checks.ts';
import { readScripts } from './read-scripts.ts';

/** The parts of Heroku's app.json that Slipway uses. Unknown keys are ignored. */
export interface AppJson {
  /** Names or URLs, in order. */
  readonly buildpacks: readonly string[];
  /** Process type → number of instances at the first deploy. */
  readonly formation: Readonly<Record<string, number>>;
  readonly env: Readonly<Record<string, AppJsonVariable>>;
  /** Heroku's `scripts.postdeploy`, and Dokku's `scripts.dokku`. */
  readonly scripts: DeployScripts;
  /** Dokku's extension, with warnings for the author. */
  readonly healthchecks: ReadChecks;
  /** Dokku's extension. */
  readonly cron: readonly CronEntry[];
  /** Parts of the format that Slipway does not use, e.g. `addons`. */
  readonly unused: readonly string[];
}

export interface AppJsonVariable {
  readonly value?: string | undefined;
  readonly required: boolean;
  /** A random value is made at the first deploy. */
  readonly isGenerated: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

export const APP_JSON_BYTES_MAX = 1024 * 1024;
const MAX_BUILDPACKS = 20;
const MAX_QUANTITY = 1000;

/** @throws SLIP_BUILD_APP_JSON with line and column, or the field */
export function parseAppJson(content: Uint8Array): AppJson {
  if (content.byteLength > APP_JSON_BYTES_MAX) throw invalidAppJson('it is larger than 1 MB');
  const text = new TextDecoder('utf-8').decode(content);
  try {
    return readAppJson(parseJson(text));
  } catch (error) {
    throw error instanceof InvalidField ? invalidAppJson(withPlace(error.message, text)) : error;
  }
}

/** A value that app.json may not have. Its message begins with the path of the value. */
class InvalidField extends Error {}

const invalidField = (what: string): InvalidField => new InvalidField(what);

function withPlace(what: string, text: string): string {
  const [, path = '', rest = ''] = /"([^"]+)"((?:\.\w+)*)/.exec(what) ?? [];
  const place = jsonPlace(text, `${path}${rest}`);
  return place === undefined ? what : `${what} (line ${String(place.line)}, column ${String(place.column)})`;
}

function readAppJson(value: unknown): AppJson {
  const root = fieldsOf(value, 'the file');
  const { scripts, unused } = readScripts(root['scripts'] ?? {}, invalidField);
  return {
    buildpacks: buildpacksOf(root['buildpacks'] ?? []),
    formation: mapFields(root, 'formation', quantityOf),
    env: mapFields(root, 'env', variableOf),
    scripts,
    healthchecks: readHealthChecks(root['healthchecks'] ?? {}, invalidField),
    cron: readCron(root['cron'] ?? [], invalidField),
    unused: unusedParts(root, unused),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidAppJson(placeOf(text, cause instanceof Error ? cause.message : ''), cause);
  }
}

function placeOf(text: string, message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return 'it is not JSON, or ends too early';
  const before = text.slice(0, Number(position)).split('\n');
  return `not valid JSON at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalidField(`${what} must be an object`);
}

/** Entries for which `read` returns a value. */
function mapFields<T>(
  root: Fields,
  field: string,
  read: (value: unknown, path: string) => T | undefined,
): Record<string, T> {
  const entries = Object.entries(fieldsOf(root[field] ?? {}, `"${field}"`));
  return Object.fromEntries(
    entries.flatMap(([name, value]) => {
      const parsed = read(value, `"${field}.${name.slice(0, 60)}"`);
      return parsed === undefined ? [] : [[name, parsed]];
    }),
  );
}

function buildpacksOf(value: unknown): string[] {
  if (!Array.isArray(value)) throw invalidField('"buildpacks" must be a list');
  if (value.length > MAX_BUILDPACKS) throw invalidField(`"buildpacks" has more than ${MAX_BUILDPACKS} entries`);
  return value.map((entry: unknown, index) => {
    const url = typeof entry === 'string' ? entry : fieldsOf(entry, `"buildpacks.${index}"`)['url'];
    if (typeof url === 'string' && url !== '') return url;
    throw invalidField(`"buildpacks.${index}.url" must be a name or URL`);
  });
}

function quantityOf(value: unknown, path: string): number | undefined {
  const quantity = fieldsOf(value, path)['quantity'];
  if (quantity === undefined) return undefined;
  if (typeof quantity === 'number' && Number.isInteger(quantity) && quantity >= 0 && quantity <= MAX_QUANTITY)
    return quantity;
  throw invalidField(`${path}.quantity must be a whole number from 0 to ${MAX_QUANTITY}`);
}

function variableOf(value: unknown, path: string): AppJsonVariable {
  if (typeof value === 'string') return { value, required: true, isGenerated: false };
  const fields = fieldsOf(value, path);
  const given = fields['value'];
  if (given !== undefined && typeof given !== 'string') throw invalidField(`${path}.value must be a string`);
  return { value: given, required: fields['required'] !== false, isGenerated: fields['generator'] === 'secret' };
}

/** @param what begins with the path of the value */
/** Heroku's parts that would change what an app gets. Others, such as `name`, describe the app only. */
const UNUSED = ['addons', 'environments', 'image', 'stack'];

function unusedParts(root: Fields, ofScripts: readonly string[]): readonly string[] {
  const sized = Object.entries(fieldsOf(root['formation'] ?? {}, '"formation"'));
  return [
    ...UNUSED.filter((name) => Object.hasOwn(root, name)),
    ...ofScripts,
    ...sized.flatMap(([type, value]) =>
      Object.hasOwn(fieldsOf(value, `"formation.${type}"`), 'size') ? [`formation.${type.slice(0, 60)}.size`] : [],
    ),
  ];
}

export function invalidAppJson(what: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_APP_JSON',
    message: `app.json: ${what}.`,
    hint: "Repair app.json (it is Heroku's format), commit and push again.",
    cause,
  });
}
