import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import type { Cli } from '../../../../cli/cli.ts';
import { set } from '../../../../cli/config/actions.ts';
import { readValue } from '../../../../cli/config/read-value.ts';
import { CONFIG_BYTES_MAX } from '../../../../shared/domain/config-size.ts';

function piped(...chunks: readonly (string | Buffer)[]): Promise<string> {
  return readValue('-', { cwd: '/', stdin: () => Readable.from(chunks.map((chunk) => Buffer.from(chunk))) });
}

describe('the value of a config var that is read from a file', () => {
  it('is the whole file without the last newline', async () => {
    assert.equal(await piped('a\n', 'é'.repeat(3), '\r\n'), 'a\nééé');
    assert.equal(await piped('\n\n'), '\n');
    assert.equal(await piped(Buffer.from([0xc3]), Buffer.from([0xa9])), 'é', 'a character over two chunks');
    assert.equal(await piped(), '');
  });

  it('is refused beyond the limit, also if the input never ends', async () => {
    const endless = function* () {
      for (let sent = 0; sent < 10_000; sent += 1) yield Buffer.alloc(64 * 1024, 'x');
    };
    assert.equal((await piped('x'.repeat(CONFIG_BYTES_MAX))).length, CONFIG_BYTES_MAX);
    await assert.rejects(readValue('-', { cwd: '/', stdin: () => Readable.from(endless()) }), {
      code: 'SLIP_CLI_USAGE',
      message: /65536 bytes/,
    });
  });

  it('is text', async () => {
    await assert.rejects(piped(Buffer.from([0xff, 0xfe])), {
      code: 'SLIP_CLI_USAGE',
      message: 'Standard input is not UTF-8 text.',
    });
  });

  it('comes from a file relative to the folder of the command', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'slipway-value-'));
    await writeFile(join(cwd, 'key'), 'k\n');
    const from = { cwd, stdin: () => Readable.from([]) };
    assert.equal(await readValue('key', from), 'k');
    await assert.rejects(readValue('nokey', from), {
      code: 'SLIP_CLI_USAGE',
      message: /^nokey cannot be read: ENOENT/,
    });
    await rm(cwd, { recursive: true });
  });
});

describe('config:set', () => {
  async function changesOf(args: readonly string[], stdin = ''): Promise<unknown> {
    const sent: unknown[] = [];
    const cli = {
      ...{
        write: () => Promise.resolve(),
        note: () => undefined,
        cwd: '/',
        stdin: () => Readable.from([Buffer.from(stdin)]),
      },
      app: () => Promise.resolve('shop'),
      api: () =>
        Promise.resolve({ call: (_id: string, input: { body: unknown }) => Promise.resolve(sent.push(input.body)) }),
    };
    await set(
      cli as unknown as Cli,
      args.filter((word) => word !== '--file'),
      args.includes('--file') ? { file: '-' } : {},
    );
    return sent[0];
  }

  it('takes every value literally, and with the flag a value from standard input', async () => {
    assert.deepEqual(await changesOf(['A=@key.pem', 'B=-', 'C=']), { A: '@key.pem', B: '-', C: '' });
    assert.deepEqual(await changesOf(['KEY', '--file'], '@x=1\n'), { KEY: '@x=1' });
  });

  it('takes only one name, without a value, with the flag', async () => {
    for (const words of [['KEY=1'], ['KEY', 'B=1'], ['KEY', 'B']])
      await assert.rejects(changesOf([...words, '--file']), {
        code: 'SLIP_CLI_USAGE',
        message: /^--file sets one variable/,
      });
  });
});
