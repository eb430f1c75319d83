import { SlipwayError } from '../kit/errors.ts';
import type { CronEntry } from './cron.ts';
import { readCron } from './read-cron.ts';
import { readHealthChecks, type ReadChecks } from './read-health-checks.ts';

/** The parts of Heroku's app.json that Slipway uses. Unknown keys are ignored. */
export interface AppJson {
  /** Names or URLs, in order. */
  readonly buildpacks: readonly string[];
  /** Process type → number of instances at the first deploy. */
  readonly formation: Readonly<Record<string, number>>;
  readonly env: Readonly<Record<string, AppJsonVariable>>;
  /** e.g. `postdeploy`. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Dokku's extension, with warnings for the author. */
  readonly healthchecks: ReadChecks;
  /** Dokku's extension. */
  readonly cron: readonly CronEntry[];
}

export interface AppJsonVariable {
  readonly value?: string | undefined;
  readonly required: boolean;
  /** A random value is made at the first deploy. */
  readonly isGenerated: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const MAX_BYTES = 1024 * 1024;
const MAX_BUILDPACKS = 20;
const MAX_QUANTITY = 1000;

/** @throws SLIP_BUILD_APP_JSON with line and column, or the field */
export function parseAppJson(content: Uint8Array): AppJson {
  if (content.byteLength > MAX_BYTES) throw invalidAppJson('it is larger than 1 MB');
  const root = fieldsOf(parseJson(new TextDecoder('utf-8').decode(content)), 'the file');
  return {
    buildpacks: buildpacksOf(root['buildpacks'] ?? []),
    formation: mapFields(root, 'formation', quantityOf),
    env: mapFields(root, 'env', variableOf),
    scripts: mapFields(root, 'scripts', (value) => (typeof value === 'string' ? value : undefined)),
    healthchecks: readHealthChecks(root['healthchecks'] ?? {}, invalidAppJson),
    cron: readCron(root['cron'] ?? [], invalidAppJson),
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
  throw invalidAppJson(`${what} must be an object`);
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
  if (!Array.isArray(value)) throw invalidAppJson('"buildpacks" must be a list');
  if (value.length > MAX_BUILDPACKS) throw invalidAppJson(`"buildpacks" has more than ${MAX_BUILDPACKS} entries`);
  return value.map((entry: unknown, index) => {
    const url = typeof entry === 'string' ? entry : fieldsOf(entry, `"buildpacks.${index}"`)['url'];
    if (typeof url === 'string' && url !== '') return url;
    throw invalidAppJson(`"buildpacks.${index}.url" must be a name or URL`);
  });
}

function quantityOf(value: unknown, path: string): number | undefined {
  const quantity = fieldsOf(value, path)['quantity'];
  if (quantity === undefined) return undefined;
  if (typeof quantity === 'number' && Number.isInteger(quantity) && quantity >= 0 && quantity <= MAX_QUANTITY)
    return quantity;
  throw invalidAppJson(`${path}.quantity must be a whole number from 0 to ${MAX_QUANTITY}`);
}

function variableOf(value: unknown, path: string): AppJsonVariable {
  if (typeof value === 'string') return { value, required: true, isGenerated: false };
  const fields = fieldsOf(value, path);
  const given = fields['value'];
  if (given !== undefined && typeof given !== 'string') throw invalidAppJson(`${path}.value must be a string`);
  return { value: given, required: fields['required'] !== false, isGenerated: fields['generator'] === 'secret' };
}

/** @param what begins with the path of the value */
export function invalidAppJson(what: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_APP_JSON',
    message: `app.json: ${what}.`,
    hint: "Repair app.json (it is Heroku's format), commit and push again.",
    cause,
  });
}
