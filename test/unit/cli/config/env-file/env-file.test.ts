import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { parseEnvFile, valuesOf } from '../../../../../cli/config/env-file/parse.ts';
import { updateEnvFile } from '../../../../../cli/config/env-file/update.ts';
import { renderEnvFile } from '../../../../../cli/config/env-file/write.ts';
import { renderConfigForShell } from '../../../../../cli/terminal/shell-assignments.ts';
import { run } from '../../../../../shared/kit/exec.ts';

type Vars = Readonly<Record<string, string>>;

/** What foreman does with a .env file (lib/foreman/env.rb of version 0.90), line by line. */
function asForeman(text: string): Vars {
  const vars: Record<string, string> = {};
  for (const line of text.replaceAll('\r\n', '\n').split('\n')) {
    const [, name, value = ''] = /^([A-Za-z_0-9]+)=([^\n]*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const single = /^'([^\n]*)'$/.exec(value)?.[1];
    const double = /^"([^\n]*)"$/.exec(value)?.[1];
    vars[name] = single ?? double?.replaceAll('\\n', '\n').replaceAll(/\\([^\n])/g, '$1') ?? value;
  }
  return vars;
}

const PIECES = ["'", '"', '$', '`', '\\', '\\n', '\n', '\r', '\r\n', ' ', '\t', '#', '=', '!', '~', '*', '&', ';'];
const WORDS = ['$(id)', '${HOME}', 'A=1', '\nV0=x', "\n'V1=x", 'EOF', ': <<', 'ünï', '🚀', '\u2028', '\u0001', '%s'];
const value = fc
  .array(fc.oneof(fc.constantFrom(...PIECES, ...WORDS), fc.string({ unit: 'grapheme', maxLength: 4 })), {
    maxLength: 8,
  })
  .map((parts) => parts.join('').replaceAll('\0', ''));
const forForeman = value.filter((text) => !(text.includes('\n') && text.includes('\\n')));

const named = (values: readonly string[]): Vars =>
  Object.fromEntries(values.map((text, index) => [`V${String(index)}`, text]));
const config = fc.array(forForeman, { minLength: 20, maxLength: 60 }).map(named);

describe('a .env file', () => {
  let dir: string;
  before(async () => (dir = await mkdtemp(join(tmpdir(), 'slipway-env-'))));
  after(() => rm(dir, { recursive: true }));

  async function inShell(shell: string, text: string): Promise<Vars> {
    const path = join(dir, '.env');
    await writeFile(path, text);
    const script = 'set -a; . "$1"; exec env -0';
    const { stdout, stderr } = await run({
      file: shell,
      args: ['-c', script, 'sh', path],
      env: { PATH: '/usr/bin:/bin' },
    });
    assert.equal(stderr, '');
    const pairs = stdout
      .split('\0')
      .map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
    return Object.fromEntries(pairs.filter(([name]) => /^V\d+$/.test(name)));
  }

  it('is read back byte for byte by this program and by foreman', () => {
    fc.assert(
      fc.property(config, (vars) => {
        const text = renderEnvFile(vars);
        assert.deepEqual(valuesOf(parseEnvFile(text, '.env')), vars);
        assert.deepEqual(asForeman(text), vars);
      }),
      { numRuns: 100 },
    );
  });

  for (const shell of ['/bin/sh', '/bin/bash'].filter((path) => existsSync(path))) {
    it(`is read back byte for byte by ${shell}, also in the form for an editor`, async () => {
      await fc.assert(
        fc.asyncProperty(config, async (vars) => {
          assert.deepEqual(await inShell(shell, renderEnvFile(vars)), vars);
          assert.deepEqual(await inShell(shell, renderConfigForShell({ config: vars })), vars);
        }),
        { numRuns: 8 },
      );
    });
  }

  it('in the form for an editor is read back by this program, whatever the values', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }).map(named), (vars) => {
        assert.deepEqual(valuesOf(parseEnvFile(renderConfigForShell({ config: vars }), 'text')), vars);
      }),
    );
  });

  it('cannot hold a value with a newline and also a backslash before an n, and says so', () => {
    assert.throws(() => renderEnvFile({ KEY: 'a\n\\n' }), {
      code: 'SLIP_CLI_ENV_VALUE',
      message: /the value of KEY: it has a newline and also the two characters \\n/,
    });
  });

  it('is the simplest form that both read', () => {
    assert.equal(
      renderEnvFile({ A: 'plain', B: 'two words', C: "it's $5", D: 'one\ntwo' }),
      `A=plain
B='two words'
C="it's \\$5"
: <<'ONLY_FOREMAN_READS_THIS'
D="one\\ntwo"
ONLY_FOREMAN_READS_THIS
export D='one
''two'
`,
    );
  });
});

describe('a .env file that somebody wrote', () => {
  const parse = (text: string): Vars => valuesOf(parseEnvFile(text, '.env'));

  it('may have comments, export, quotes, empty values, carriage returns and a byte order mark', () => {
    assert.deepEqual(
      parse(
        `\uFEFF# first\r\n\r\nexport A=1 # one\r\n  B="two words"\nC=\nD='a#b'#c\nURL=postgres://u:p@h/db?sslmode=require\nA=2`,
      ),
      { A: '2', B: 'two words', C: '', D: 'a#b#c', URL: 'postgres://u:p@h/db?sslmode=require' },
    );
  });

  it('may have a key in double quotes with \\n, as dotenv and foreman have it', () => {
    assert.deepEqual(parse('KEY="-----BEGIN\\nabc\\n-----END"'), { KEY: '-----BEGIN\nabc\n-----END' });
  });

  for (const [text, message] of [
    ['A=1\nhello there', 'Line 2 of .env is not NAME=value.'],
    ['A=hello SECRET', 'Line 1 of .env: there is more text after the value of A.'],
    ['\nA=pa$SECRET', 'Line 2 of .env, in A: a shell would not take $ as it is.'],
    ['A=x&SECRET=y', 'Line 1 of .env, in A: a shell would not take & as it is.'],
    ['A="`SECRET`"', 'Line 1 of .env, in A: a shell would not take ` in double quotes as it is.'],
    ["A=1\nB='SECRET", "Line 2 of .env, in B: the closing ' is missing."],
    ['A="SECRET', 'Line 1 of .env, in A: the closing " is missing.'],
    ['A=SECRET\\', 'Line 1 of .env, in A: a backslash at the end of a line joins two lines.'],
    ['A=~/SECRET', 'Line 1 of .env, in A: a shell would not take ~ as it is.'],
    [": <<'ONLY_FOREMAN_READS_THIS'\nA=SECRET", 'Line 1 of .env: the line ONLY_FOREMAN_READS_THIS is missing.'],
  ] as const) {
    it(`is refused without its values: ${message}`, () => {
      assert.throws(
        () => parse(text),
        (error: Error & { code?: string; hint?: string }) =>
          error.code === 'SLIP_CLI_USAGE' &&
          error.message === message &&
          !`${error.message}${error.hint ?? ''}`.includes('SECRET'),
      );
    });
  }

  it('refuses a name that no config var can have', () => {
    assert.throws(() => parse('1A=x'), { code: 'SLIP_NAME_CONFIG' });
  });

  it('keeps its other lines and comments when variables are set', () => {
    const text = `# mine\nA=1 # old\n${renderEnvFile({ B: "it's\ntwo" })}C=3`;
    const after = updateEnvFile(text, parseEnvFile(text, '.env'), { A: 'new', B: 'b', D: 'd' });
    assert.equal(after, '# mine\nC=3\nA=new\nB=b\nD=d\n');
  });
});
