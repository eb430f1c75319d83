import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cli } from '../../../../cli/cli.ts';
import { clientOver } from '../../../../cli/client.ts';
import { runProgram } from '../../../../cli/program.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';

const SHOP = {
  ...{ name: 'shop', gitUrl: 'ssh://slipway@fleet.test:2222/shop.git' },
  ...{ owner: 'ada', stack: 'host', createdAtMs: 0, webUrl: 'http://shop.fleet.test' },
};
const INFO = { ...SHOP, formation: {}, buildpacks: [] };
const REMOTES = `slipway\t${SHOP.gitUrl} (fetch)\nslipway\t${SHOP.gitUrl} (push)\norigin\tssh://x.test/shop.git (push)\n`;

interface Outcome {
  readonly output: string;
  readonly notes: string;
  readonly asked: readonly string[];
  readonly programs: readonly string[];
  readonly prompts: readonly string[];
  readonly error?: { readonly code?: string; readonly message: string; readonly hint?: string } | undefined;
}

/** Runs a command line. `typed` is the input at the terminal; absent without a terminal. */
async function type(args: readonly string[], typed?: string): Promise<Outcome> {
  const [asked, programs, prompts]: [string[], string[], string[]] = [[], [], []];
  let [output, notes] = ['', ''];
  const client = clientOver({
    url: 'https://fleet.test',
    ask: ({ method, path }) => {
      asked.push(`${method} ${path.replace('/v1', '')}`);
      return Promise.resolve({ text: JSON.stringify(method === 'GET' ? INFO : SHOP), header: () => undefined });
    },
    stream: () => Promise.reject(new Error('no command of this test follows anything')),
    close: () => Promise.resolve(),
  });
  const cli = {
    ...{
      colour: false,
      paint: plainPaint,
      interactive: false,
      nowMs: () => 0,
      cwd: '/',
      env: {},
      signal: new AbortController().signal,
    },
    write: (text: string) => Promise.resolve(void (output += text)),
    note: (text: string) => void (notes += text),
    api: () => Promise.resolve(client),
    app: (flags: { app?: string }) => Promise.resolve(flags.app ?? 'shop'),
    readLine: (prompt: string) => {
      prompts.push(prompt);
      return Promise.resolve(typed);
    },
    run: ({ args: words }: { args: readonly string[] }) => {
      programs.push(words.join(' '));
      return Promise.resolve({ code: 0, stdout: words[1] === '-v' ? REMOTES : '', stderr: '' });
    },
  };
  const error = await runProgram(args, cli as unknown as Cli).then(
    () => undefined,
    (caught: unknown) => caught as Outcome['error'],
  );
  return { output, notes, asked, programs, prompts, error };
}

describe('apps:destroy', () => {
  it('destroys an app whose name is confirmed, and removes the git remotes that lead to it', async () => {
    for (const args of [['-a', 'shop', '-c', 'shop'], ['shop', '--confirm', 'shop'], ['--confirm=shop']]) {
      const { asked, output, notes, programs, prompts } = await type(['apps:destroy', ...args]);
      assert.deepEqual(asked, ['GET /apps/shop', 'DELETE /apps/shop'], args.join(' '));
      assert.equal(output, 'Destroyed shop. Its name and its domains are free.\n');
      assert.equal(notes, 'Removed the git remote slipway from this folder.\n');
      assert.deepEqual([programs, prompts], [['remote -v', 'remote remove slipway'], []]);
    }
  });

  it('asks for the name on a terminal, after it has found the app', async () => {
    const { asked, prompts } = await type(['apps:destroy', '-a', 'shop'], 'shop');
    assert.deepEqual(asked, ['GET /apps/shop', 'DELETE /apps/shop']);
    assert.match(prompts.join(''), /This destroys shop .*It cannot be undone\.\nTo proceed, type shop: $/);
  });

  it('refuses another name, typed or as a flag, and names the command', async () => {
    for (const [args, typed] of [
      [[], 'shpo'],
      [['--confirm', 'shpo'], undefined],
      [['--confirm', ''], undefined],
    ] as const) {
      const { asked, error } = await type(['apps:destroy', '-a', 'shop', ...args], typed);
      assert.deepEqual(asked, ['GET /apps/shop']);
      assert.match(error?.message ?? '', /^"(shpo)?" is not the name shop\. Nothing was destroyed\.$/);
      assert.equal(error?.hint, 'slipway apps:destroy -a shop --confirm shop');
    }
  });

  it('does not ask without a terminal, but refuses and prints the command', async () => {
    const { asked, error } = await type(['apps:destroy']);
    assert.deepEqual(asked, ['GET /apps/shop']);
    assert.equal(error?.code, 'SLIP_CLI_CONFIRM');
    assert.equal(error.message, 'Destroying shop needs its name as a confirmation. Nothing was destroyed.');
    assert.equal(error.hint, 'slipway apps:destroy -a shop --confirm shop');
  });

  it('prints the app as JSON, and refuses two names', async () => {
    const { output } = await type(['apps:destroy', '-a', 'shop', '-c', 'shop', '--json']);
    assert.deepEqual(JSON.parse(output), SHOP);
    const { error } = await type(['apps:destroy', 'blog', '-a', 'shop']);
    assert.equal(error?.code, 'SLIP_CLI_USAGE');
  });

  it('also has the names of Heroku and Dokku', async () => {
    for (const name of ['destroy', 'apps:delete']) {
      const { asked } = await type([name, '-a', 'shop', '--confirm', 'shop']);
      assert.deepEqual(asked, ['GET /apps/shop', 'DELETE /apps/shop'], name);
    }
  });
});
