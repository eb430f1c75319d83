import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_ENV, start, type Command } from '../../shared/kit/exec.ts';

const PRODUCT_DIR = join(import.meta.dirname, '..', '..');
/** Folder of the bundled programs of `script/test`, which start in half the time. Absent: the tests run the source. */
const BUNDLES_DIR = process.env['SLIPWAY_TEST_BUNDLES'];

type ChildProcess = ReturnType<typeof start>;

/** Controller or agent as a process of a test. It can start and end several times, with one log. */
export class FleetProgram {
  readonly #name: 'controller' | 'agent';
  readonly #dir: string;
  readonly #uid: number | undefined;
  #child: ChildProcess | undefined;

  /** @param uid an account without rights of root. Absent: the account of the test */
  constructor(name: 'controller' | 'agent', dir: string, uid?: number) {
    this.#name = name;
    this.#dir = dir;
    this.#uid = uid;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Runs one of its commands with its settings until the end. */
  command(verb: string, ...args: readonly string[]): Command {
    const main = BUNDLES_DIR === undefined ? `${this.#name}/main.ts` : join(BUNDLES_DIR, this.#name, 'main.mjs');
    const node = [main, verb, '--config', join(this.#dir, `${this.#name}.json`), ...args];
    const uid = this.#uid;
    const env = { ...DEFAULT_ENV, NODE_COMPILE_CACHE: this.#compileCacheDir };
    if (uid === undefined) return { file: process.execPath, args: node, cwd: PRODUCT_DIR, env };
    const account = [
      `--reuid=${String(uid)}`,
      `--regid=${String(uid)}`,
      '--clear-groups',
      '--no-new-privs',
      '--inh-caps=-all',
    ];
    return {
      file: 'setpriv',
      args: [...account, '--bounding-set=-all', '--', process.execPath, ...node],
      cwd: PRODUCT_DIR,
      env,
    };
  }

  /** Resolves when the process reports that it is ready. */
  async start(verb: string, env: Readonly<Record<string, string>>): Promise<void> {
    const log = openSync(join(this.#dir, `${this.#name}.log`), 'a');
    const environment = {
      ...this.#runtimeEnv(),
      PATH: process.env['PATH'] ?? '',
      ...pick(process.env, ['NODE_EXTRA_CA_CERTS']),
      ...env,
    };
    const child = start({ ...this.command(verb), env: environment }, ['ignore', log, log, 'ipc']);
    closeSync(log);
    const ready = once(child, 'message');
    const ended = once(child, 'exit').then(() => assert.fail(`${this.#name} ended\n${this.lastLines()}`));
    await Promise.race([ready, ended]);
    ended.catch(() => undefined);
    this.#child = child;
  }

  /** Other accounts cannot read the folder that `script/test` makes for all tests. */
  get #compileCacheDir(): string {
    if (this.#uid !== undefined) return join(this.#dir, this.#name, 'compile-cache');
    return process.env['NODE_COMPILE_CACHE'] ?? join(this.#dir, 'compile-cache');
  }

  /** The settings of the launchers of the product: less memory, a faster start. */
  #runtimeEnv(): Record<string, string> {
    return {
      NODE_COMPILE_CACHE: this.#compileCacheDir,
      NODE_OPTIONS: '--max-semi-space-size=4',
      MALLOC_ARENA_MAX: '2',
      MALLOC_TRIM_THRESHOLD_: '131072',
      MALLOC_MMAP_THRESHOLD_: '65536',
    };
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const gone = this.gone();
    this.#child?.kill(signal);
    await gone;
  }

  /** Resolves when the process has ended, also when a failpoint killed it. */
  async gone(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit');
    this.#child = undefined;
  }

  /** The last lines of its log, for a failing test. */
  lastLines(): string {
    try {
      const lines = readFileSync(join(this.#dir, `${this.#name}.log`), 'utf8').split('\n');
      return `--- ${this.#name}\n${lines.slice(-40).join('\n')}`;
    } catch {
      return `--- ${this.#name}: no log`;
    }
  }
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
