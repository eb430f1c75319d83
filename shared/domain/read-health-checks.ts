import {
  ATTEMPTS_MAX,
  CHECKS_PER_TYPE_MAX,
  CHECK_SECONDS_MAX,
  CHECK_TYPES,
  CHECKS_BYTES_MAX,
  COMMAND_BYTES_MAX,
  COMMAND_WORDS_MAX,
  checksBytes,
  CONTENT_BYTES_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
  longestMs,
  PATH_LENGTH_MAX,
  STARTUP_MS_MAX,
  startupMs,
  type CheckType,
  type HealthCheck,
  type HealthChecks,
  type Probe,
} from './health-check.ts';
import { parseProcessType } from './names.ts';

// The format of Dokku's app.json: seconds, and the name of the property decides what the check asks.

type Fields = Readonly<Record<string, unknown>>;
/** Makes the error. Its text begins with the path of the value, e.g. `"healthchecks.web.0.timeout"`. */
type Refuse = (what: string) => Error;

export interface ReadChecks {
  readonly checks: HealthChecks;
  /** For the author. They do not stop the build. */
  readonly warnings: readonly string[];
}

/** Defaults of Dokku, in seconds. */
const DEFAULTS = { initialDelay: 0, timeout: 5, attempts: 3, wait: 5 } as const;

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** HTTP/1.1 sends headers as Latin-1. Node refuses to send other characters. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** The agent writes these itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
]);
const PATH = /^\/[\x21-\x7e]*$/;
/** A command is shown in messages, so it has no control characters. */
const COMMAND_WORD = /^[^\u0000-\u001f\u007f]*$/;
const NAME = /^[\x20-\x7e]{1,100}$/;

/** Reads `healthchecks`. @throws the error of `refuse` */
export function readHealthChecks(value: unknown, refuse: Refuse): ReadChecks {
  const read = new ChecksReader(refuse);
  const entries = Object.entries(read.fields(value, '"healthchecks"')).map(([type, checks]) => {
    read.processType(type);
    return [type, read.list(type, checks)] as const;
  });
  const checks = Object.fromEntries(entries.filter(([, list]) => list.length > 0));
  checkSize(checks, refuse);
  return { checks, warnings: read.warnings };
}

/** Reads one check of a process type. @param path names it in errors @throws the error of `refuse` */
export function readHealthCheck(
  processType: string,
  value: unknown,
  {
    path,
    refuse,
  }: {
    readonly path: string;
    readonly refuse: Refuse;
  },
): HealthCheck {
  return new ChecksReader(refuse).check(processType, value, path);
}

/** Checks what concerns all checks together. @throws the error of `refuse` */
export function checkSize(checks: HealthChecks, refuse: Refuse): void {
  for (const [type, list] of Object.entries(checks)) {
    if (list.length > CHECKS_PER_TYPE_MAX)
      throw refuse(`"healthchecks.${type}" has more than ${String(CHECKS_PER_TYPE_MAX)} checks`);
    if (startupMs(list) > STARTUP_MS_MAX)
      throw refuse(
        `the startup checks in "healthchecks.${type}" can take longer than ${String(STARTUP_MS_MAX / 60_000)} minutes together`,
      );
    const slow = list.findIndex((check) => longestMs(check) > STARTUP_MS_MAX);
    if (slow >= 0)
      throw refuse(
        `"healthchecks.${type}.${String(slow)}" needs more than ${String(STARTUP_MS_MAX / 60_000)} minutes until it fails; lower its attempts, timeout or wait`,
      );
  }
  const bytes = checksBytes(checks);
  if (bytes > CHECKS_BYTES_MAX)
    throw refuse(`"healthchecks" has ${String(bytes)} bytes; the limit is ${String(CHECKS_BYTES_MAX)}`);
}

class ChecksReader {
  readonly warnings: string[] = [];
  readonly #refuse: Refuse;

  constructor(refuse: Refuse) {
    this.#refuse = refuse;
  }

  processType(type: string): void {
    try {
      parseProcessType(type);
    } catch {
      throw this.#refuse(`"healthchecks.${type.slice(0, 60)}" is not the name of a process type`);
    }
  }

  list(processType: string, value: unknown): readonly HealthCheck[] {
    const path = `healthchecks.${processType}`;
    if (!Array.isArray(value)) throw this.#refuse(`"${path}" must be a list`);
    if (value.length > CHECKS_PER_TYPE_MAX)
      throw this.#refuse(`"${path}" has more than ${String(CHECKS_PER_TYPE_MAX)} checks`);
    return value.flatMap((each: unknown, index) => {
      const at = `${path}.${String(index)}`;
      const check = this.check(processType, each, at);
      if (this.fields(each, `"${at}"`)['warn'] !== true) return [check];
      this.warnings.push(
        `app.json: "${at}" has "warn": true. Slipway has no checks that only warn, so it does not run this one.`,
      );
      return [];
    });
  }

  check(processType: string, value: unknown, path: string): HealthCheck {
    const fields = this.fields(value, `"${path}"`);
    const whole = (key: keyof typeof DEFAULTS, min: number, max: number): number =>
      this.#whole(fields[key] ?? DEFAULTS[key], `"${path}.${key}"`, { min, max });
    if (fields['onFailure'] !== undefined)
      this.warnings.push(`app.json: Slipway does not use "${path}.onFailure". It writes an event instead.`);
    const check: HealthCheck = {
      type: this.#type(fields['type'] ?? 'startup', path),
      name: this.#name(fields['name'], path),
      initialDelayMs: whole('initialDelay', 0, CHECK_SECONDS_MAX) * 1000,
      timeoutMs: whole('timeout', 1, CHECK_SECONDS_MAX) * 1000,
      attempts: whole('attempts', 1, ATTEMPTS_MAX),
      waitMs: whole('wait', 1, CHECK_SECONDS_MAX) * 1000,
      ...this.#probe(fields, path),
    };
    this.#requirePort(processType, check, path);
    return check;
  }

  fields(value: unknown, what: string): Fields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
    throw this.#refuse(`${what} must be an object`);
  }

  #probe(fields: Fields, path: string): Probe {
    const kinds = (['path', 'listening', 'uptime', 'command'] as const).filter((key) => isGiven(fields[key]));
    if (kinds.length > 1) throw this.#refuse(`"${path}" has ${kinds.join(' and ')}; a check has only one of them`);
    switch (kinds[0]) {
      case 'command':
        return { probe: 'command', command: this.#command(fields['command'], path) };
      case 'uptime':
        return this.#uptime(fields, path);
      case 'listening':
        return { probe: 'tcp', port: this.#port(fields['port'], path) };
      default:
        return this.#http(fields, path);
    }
  }

  #command(value: unknown, path: string): readonly string[] {
    const words: readonly unknown[] = Array.isArray(value) ? value : [];
    const isText = (word: unknown): word is string => typeof word === 'string' && COMMAND_WORD.test(word);
    const bytes = words.filter(isText).reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
    const isGood = words.length <= COMMAND_WORDS_MAX && bytes <= COMMAND_BYTES_MAX && words[0] !== '';
    if (words.length > 0 && isGood && words.every(isText)) return words;
    throw this.#refuse(
      `"${path}.command" must be a list of a program and its arguments, with at most ${String(COMMAND_WORDS_MAX)} words and ${String(COMMAND_BYTES_MAX)} bytes, each on one line`,
    );
  }

  #uptime(fields: Fields, path: string): Probe {
    if ((fields['type'] ?? 'startup') !== 'startup')
      throw this.#refuse(`"${path}.uptime" is for checks of the type "startup" only`);
    const seconds = this.#whole(fields['uptime'], `"${path}.uptime"`, { min: 1, max: CHECK_SECONDS_MAX });
    return { probe: 'uptime', uptimeMs: seconds * 1000 };
  }

  #http(fields: Fields, path: string): Probe {
    const { scheme = 'http' } = fields;
    if (scheme !== 'http' && scheme !== 'HTTP')
      throw this.#refuse(`"${path}.scheme" must be "http": the proxy speaks HTTP with the app, and so does the check`);
    return {
      probe: 'http',
      path: this.#path(fields['path'] ?? '/', path),
      port: this.#port(fields['port'], path),
      headers: this.#headers(fields['httpHeaders'] ?? [], `${path}.httpHeaders`),
      content: this.#content(fields['content'], path),
    };
  }

  #path(value: unknown, path: string): string {
    if (typeof value === 'string' && PATH.test(value) && value.length <= PATH_LENGTH_MAX) return value;
    throw this.#refuse(
      `"${path}.path" must start with / and have at most ${String(PATH_LENGTH_MAX)} characters, without spaces`,
    );
  }

  #content(value: unknown, path: string): string | undefined {
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string' && Buffer.byteLength(value) <= CONTENT_BYTES_MAX) return value;
    throw this.#refuse(`"${path}.content" must be a text of at most ${String(CONTENT_BYTES_MAX)} bytes`);
  }

  #headers(value: unknown, path: string): Readonly<Record<string, string>> {
    if (!Array.isArray(value)) throw this.#refuse(`"${path}" must be a list of objects with name and value`);
    if (value.length > HEADERS_MAX) throw this.#refuse(`"${path}" has more than ${String(HEADERS_MAX)} headers`);
    return Object.fromEntries(value.map((each: unknown, index) => this.#header(each, `${path}.${String(index)}`)));
  }

  #header(value: unknown, path: string): readonly [string, string] {
    const { name, value: text } = this.fields(value, `"${path}"`);
    if (typeof name !== 'string' || !HEADER_NAME.test(name))
      throw this.#refuse(`"${path}.name" must be the name of a header`);
    if (OWN_HEADERS.has(name.toLowerCase())) throw this.#refuse(`"${path}.name" may not be ${name}`);
    if (typeof text !== 'string' || !HEADER_VALUE.test(text) || Buffer.byteLength(text) > HEADER_BYTES_MAX)
      throw this.#refuse(
        `"${path}.value" must be one line of at most ${String(HEADER_BYTES_MAX)} bytes, with Latin-1 characters only`,
      );
    return [name, text];
  }

  #type(value: unknown, path: string): CheckType {
    const type = CHECK_TYPES.find((each) => each === value);
    if (type === undefined) throw this.#refuse(`"${path}.type" must be startup, readiness or liveness`);
    return type;
  }

  #name(value: unknown, path: string): string | undefined {
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string' && NAME.test(value)) return value;
    throw this.#refuse(`"${path}.name" must be a text of at most 100 printable ASCII characters`);
  }

  #port(value: unknown, path: string): number | undefined {
    return value === undefined ? undefined : this.#whole(value, `"${path}.port"`, { min: 1, max: 65_535 });
  }

  #whole(value: unknown, what: string, { min, max }: { readonly min: number; readonly max: number }): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.#refuse(`${what} must be a whole number from ${String(min)} to ${String(max)}`);
  }

  /** Only web has PORT. */
  #requirePort(processType: string, check: HealthCheck, path: string): void {
    if (processType === 'web' || check.probe === 'uptime' || check.probe === 'command') return;
    if (check.port !== undefined) return;
    throw this.#refuse(`"${path}" needs a port: only the process type web has one of its own (PORT)`);
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}
