import { SCRIPT_KEYS, SCRIPT_LENGTH_MAX, SCRIPT_NAMES, type DeployScripts, type ScriptName } from './deploy-scripts.ts';

// The `scripts` of app.json: Heroku's postdeploy, and Dokku's predeploy and postdeploy.

type Fields = Readonly<Record<string, unknown>>;
/** Makes the error. Its text begins with the path of the value, e.g. `"scripts.postdeploy"`. */
type Refuse = (what: string) => Error;

export interface ReadScripts {
  readonly scripts: DeployScripts;
  /** Keys that Slipway does not use, e.g. `scripts.pr-predestroy`. */
  readonly unused: readonly string[];
}

/** Reads `scripts`. A script is a text, or Heroku's object with `command` and `size`. @throws the error of `refuse` */
export function readScripts(value: unknown, refuse: Refuse): ReadScripts {
  const root = fieldsOf(value, 'scripts', refuse);
  const dokku = fieldsOf(root['dokku'] ?? {}, 'scripts.dokku', refuse);
  const given: Readonly<Record<ScriptName, unknown>> = {
    predeploy: dokku['predeploy'],
    setup: root['postdeploy'],
    postdeploy: dokku['postdeploy'],
  };
  const read = SCRIPT_NAMES.map((name) => [name, commandOf(given[name], SCRIPT_KEYS[name], refuse)] as const);
  return {
    scripts: Object.fromEntries(read.filter(([, command]) => command !== undefined)),
    unused: [
      ...unknownKeys(root, 'scripts', ['postdeploy', 'dokku']),
      ...unknownKeys(dokku, 'scripts.dokku', ['predeploy', 'postdeploy']),
      ...SCRIPT_NAMES.filter((name) => hasSize(given[name])).map((name) => `${SCRIPT_KEYS[name]}.size`),
    ],
  };
}

/** An empty text means no script, as in Dokku. */
function commandOf(value: unknown, path: string, refuse: Refuse): string | undefined {
  if (value === undefined) return undefined;
  const isText = typeof value === 'string';
  if (!isText && !isFields(value)) throw refuse(`"${path}" must be a text, or an object with a "command"`);
  const command = isText ? value : value['command'];
  const where = isText ? path : `${path}.command`;
  if (typeof command !== 'string') throw refuse(`"${where}" must be a text`);
  if (command.length > SCRIPT_LENGTH_MAX)
    throw refuse(`"${where}" has more than ${String(SCRIPT_LENGTH_MAX)} characters`);
  if (command.includes('\0')) throw refuse(`"${where}" contains a NUL character`);
  return command.trim() === '' ? undefined : command.trim();
}

function fieldsOf(value: unknown, path: string, refuse: Refuse): Fields {
  if (isFields(value)) return value;
  throw refuse(`"${path}" must be an object`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownKeys(fields: Fields, path: string, known: readonly string[]): readonly string[] {
  return Object.keys(fields).flatMap((key) => (known.includes(key) ? [] : [`${path}.${key.slice(0, 60)}`]));
}

function hasSize(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'size' in value;
}
