import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Cli } from '../../../../cli/cli.ts';
import { clientOver } from '../../../../cli/client.ts';
import { runProgram } from '../../../../cli/program.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

/** An app called shop on a controller in memory. */
class Shop {
  config: Readonly<Record<string, string>> = { LEVEL: 'info', GREETING: "it's\ntwo" };
  /** Each change is one release. */
  changes: unknown[] = [];
  revision = 1;
  output = '';
  notes = '';
  questions: string[] = [];
  /** What the user answers; undefined: there is no terminal. */
  answer: string | undefined;
  edit: (text: string, path: string) => string | Promise<string> = (text) => text;

  set(changes: Readonly<Record<string, string | null>>): void {
    const all = Object.entries({ ...this.config, ...changes });
    this.config = Object.fromEntries(all.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
    this.revision += 1;
  }

  ask(method: string, path: string, body: unknown): unknown {
    if (method === 'GET') return { config: this.config, revision: String(this.revision) };
    const revision = new URLSearchParams(path.split('?')[1]).get('revision');
    if (revision !== null && revision !== String(this.revision))
      throw new SlipwayError({ code: 'SLIP_CONFIG_CHANGED', kind: 'conflict', message: 'changed' });
    const changes = body as Readonly<Record<string, string | null>>;
    this.changes.push(changes);
    this.set(changes);
    return { config: this.config, changed: Object.keys(changes).sort(), version: this.revision };
  }

  async run(cwd: string, ...args: readonly string[]): Promise<string> {
    this.output = '';
    const client = clientOver({
      url: 'https://controller.test',
      ask: async ({ method, path, body }) => ({
        text: JSON.stringify(await Promise.resolve(this.ask(method, path, body))),
        header: () => undefined,
      }),
      stream: () => Promise.reject(new Error('no stream')),
      close: () => Promise.resolve(),
    });
    const cli = {
      ...{ colour: false, paint: plainPaint, interactive: false, nowMs: () => 0, cwd },
      stdin: () => Readable.from([Buffer.from('FROM_STDIN=1\n')]),
      note: (text: string) => void (this.notes += text),
      write: (text: string) => Promise.resolve(void (this.output += text)),
      readLine: (question: string) => Promise.resolve((this.questions.push(question), this.answer)),
      openEditor: async (path: string) => writeFile(path, await this.edit(await readFile(path, 'utf8'), path)),
      api: () => Promise.resolve(client),
      app: () => Promise.resolve('shop'),
    };
    // The parts of the CLI that config commands use.
    await runProgram(args, cli as unknown as Cli);
    return this.output;
  }
}

describe('config vars and .env files', () => {
  let dir: string;
  let shop: Shop;
  before(async () => (dir = await mkdtemp(join(tmpdir(), 'slipway-env-commands-'))));
  after(() => rm(dir, { recursive: true }));
  beforeEach(async () => {
    shop = new Shop();
    await rm(join(dir, '.env'), { force: true });
  });
  const file = (): Promise<string> => readFile(join(dir, '.env'), 'utf8');

  it('are the same after config:pull and config:push to another app, in one release', async () => {
    assert.match(
      await shop.run(dir, 'config:pull'),
      /^ {2}\+ {2}GREETING {2}new\n {2}\+ {2}LEVEL {5}new\nWrote 2 config vars of shop to \.env\n$/,
    );
    assert.equal((await stat(join(dir, '.env'))).mode & 0o777, 0o600);
    assert.equal(await file(), await shop.run(dir, 'config:dump'));
    const other = new Shop();
    other.config = {};
    other.answer = 'y';
    assert.match(await other.run(dir, 'config:push'), /\nSet GREETING, LEVEL on shop, live as v2\n$/);
    assert.deepEqual([other.config, other.changes.length], [shop.config, 1]);
    assert.deepEqual(other.questions, ['Set 2 config vars on shop? [y/N] ']);
    assert.match(await other.run(dir, 'config:push'), /^Nothing to set/);
  });

  it('keep other values without --overwrite, and names that the file does not have', async () => {
    await writeFile(join(dir, '.env'), 'LEVEL=debug\nNEW=1\n');
    await shop.run(dir, 'config:push', '--yes');
    assert.deepEqual(shop.changes, [{ NEW: '1' }]);
    assert.match(shop.output, /LEVEL\s+keeps its other value; --overwrite replaces it/);
    assert.ok(!shop.output.includes('debug'));
    await shop.run(dir, 'config:push', '-o', '-y');
    assert.deepEqual(shop.config, { LEVEL: 'debug', GREETING: "it's\ntwo", NEW: '1' });
    const json = await shop.run(dir, 'config:push', '--file', '-', '--yes', '--json');
    assert.equal((JSON.parse(json) as { readonly version: number }).version, 4);
    assert.deepEqual(shop.changes.at(-1), { FROM_STDIN: '1' });
  });

  it('are not changed without a yes', async () => {
    await writeFile(join(dir, '.env'), 'NEW=1\n');
    await assert.rejects(shop.run(dir, 'config:push'), { code: 'SLIP_CLI_USAGE', hint: /--yes/ });
    shop.answer = '';
    await assert.rejects(shop.run(dir, 'config:push'), { code: 'SLIP_CLI_DECLINED' });
    await writeFile(join(dir, '.env'), 'LEVEL=debug\n');
    await assert.rejects(shop.run(dir, 'config:pull', '--overwrite'), { code: 'SLIP_CLI_DECLINED' });
    assert.deepEqual([shop.changes, await file()], [[], 'LEVEL=debug\n']);
  });

  it('keep the comments of a file that config:pull changes', async () => {
    await writeFile(join(dir, '.env'), '# mine\nLEVEL=debug\nMINE=1\n');
    await shop.run(dir, 'config:pull', '--overwrite', '--yes');
    assert.ok((await file()).startsWith('# mine\nMINE=1\n'));
    assert.match(await file(), /LEVEL=info\n/);
  });

  it('take the place of the whole file with config:pull --clean, without a question', async () => {
    await writeFile(join(dir, '.env'), '# mine\nLEVEL=debug\nMINE=1\nthis is no assignment\n');
    assert.match(await shop.run(dir, 'config:pull', '--clean'), /\nWrote 2 config vars of shop to \.env\n$/);
    assert.equal(await file(), await shop.run(dir, 'config:dump'));
    assert.deepEqual(shop.questions, []);
    assert.equal(await shop.run(dir, 'config:pull', '-c', '--quiet'), '');
  });

  it('have the other flags of the plugin heroku-config', async () => {
    await writeFile(join(dir, '.env'), 'NEW=1\nNONE=\n');
    assert.equal(await shop.run(dir, 'config:push', '-y', '--skip-empty', '-q'), '');
    assert.deepEqual(shop.changes, [{ NEW: '1' }]);
    shop.answer = 'y';
    assert.match(await shop.run(dir, 'config:push', '--clean'), /\nChanged GREETING, LEVEL, NONE on shop/);
    assert.deepEqual([shop.config, shop.questions], [{ NEW: '1', NONE: '' }, ['Change 3 config vars on shop? [y/N] ']]);
  });

  it('can be edited one by one, with exactly the bytes of the value', async () => {
    let [shown, name] = ['', ''];
    shop.edit = (text, path) => {
      [shown, name] = [text, basename(path)];
      return `${text} $HOME \\n "x"\r\n\n`;
    };
    await shop.run(dir, 'config:edit', 'GREETING');
    assert.deepEqual([name, shown], ['GREETING', "it's\ntwo"]);
    const value = `it's\ntwo $HOME \\n "x"\r\n`;
    assert.deepEqual(shop.changes, [{ GREETING: value }], 'only the newline at the end, which editors add, is removed');
    shop.edit = (text) => text;
    assert.equal(await shop.run(dir, 'config:edit', 'GREETING'), 'Nothing was changed on shop.\n');
    assert.equal(await shop.run(dir, 'config:edit', 'NEW_ONE'), 'Nothing was changed on shop.\n');
    shop.edit = () => 'first\n';
    assert.match(await shop.run(dir, 'config:edit', 'NEW_ONE'), /Changed NEW_ONE on shop/);
    assert.equal(shop.config['NEW_ONE'], 'first');
    await assert.rejects(shop.run(dir, 'config:edit', 'NOT-A-NAME'));
  });

  it('are set by config:edit as one release, in a private file that is removed', async () => {
    let seen = '';
    shop.edit = async (text, path) => {
      seen = path;
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
      return `${text.replace('info', 'debug')}NEW='1 2'\n`;
    };
    assert.match(await shop.run(dir, 'config:edit'), /\nChanged LEVEL, NEW on shop, live as v2\n$/);
    assert.deepEqual(shop.changes, [{ LEVEL: 'debug', NEW: '1 2' }]);
    await assert.rejects(readdir(dirname(seen)), { code: 'ENOENT' });
    shop.edit = (text) => text.replace(/^GREETING='[^]*?two'\n/m, '');
    await shop.run(dir, 'config:edit');
    assert.deepEqual(shop.changes.at(-1), { GREETING: null });
  });

  it('stay the same when config:edit changes nothing', async () => {
    assert.equal(await shop.run(dir, 'config:edit'), 'Nothing was changed on shop.\n');
    assert.deepEqual(shop.changes, []);
  });

  it('can be edited again after a mistake', async () => {
    let edits = 0;
    shop.answer = '';
    shop.edit = (text) => ((edits += 1) === 1 ? `${text}A=$HOME\n` : text.replace('A=$HOME', "A='$HOME'"));
    await shop.run(dir, 'config:edit');
    assert.deepEqual(shop.changes, [{ A: '$HOME' }]);
    assert.match(shop.notes, /Line \d+ of the edited text, in A: a shell would not take \$ as it is/);
  });

  it('of somebody else stay, and the same name is a conflict', async () => {
    shop.edit = (text) => {
      shop.set({ ELSE: '1' });
      return text.replace('info', 'debug');
    };
    await shop.run(dir, 'config:edit');
    assert.deepEqual([shop.config['ELSE'], shop.config['LEVEL']], ['1', 'debug']);
    shop.edit = (text) => {
      shop.set({ LEVEL: 'warn' });
      return text.replace('debug', 'error');
    };
    await assert.rejects(shop.run(dir, 'config:edit'), {
      code: 'SLIP_CLI_EDIT_CLASH',
      message: /changed LEVEL on shop/,
    });
    assert.equal(shop.config['LEVEL'], 'warn');
  });
});
