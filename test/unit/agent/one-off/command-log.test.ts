import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readCommandLog } from '../../../../agent/one-off/command-log.ts';
import { eventually } from '../../../support/eventually.ts';

const STAMP = '2026-01-01T00:00:00Z ';

function log(lines: readonly string[]): { readonly dir: string; append(line: string): void } {
  const dir = mkdtempSync(join(tmpdir(), 'command-log-'));
  const path = join(dir, 'current');
  writeFileSync(path, lines.map((line) => `${STAMP}${line}\n`).join(''));
  return { dir, append: (line) => appendFileSync(path, `${STAMP}${line}\n`) };
}

async function read(dir: string, change: { skipBytes?: number; limitBytes?: number }): Promise<string> {
  const chunks: Uint8Array[] = [];
  const emit = (chunk: Uint8Array): number => chunks.push(chunk);
  const request = { skipBytes: 0, limitBytes: 1000, limitNotice: '[full]', ended: AbortSignal.abort(), ...change };
  await readCommandLog({ dir, emit, ...request });
  return Buffer.concat(chunks).toString();
}

describe('the output of a command', () => {
  it('is the text of its log, empty lines too', async () => {
    assert.equal(await read(log(['one', '', 'two']).dir, {}), 'one\n\ntwo\n');
  });

  it('continues at a byte', async () => {
    const { dir } = log(['one', 'two', 'three']);
    const whole = 'one\ntwo\nthree\n';
    for (let skipBytes = 0; skipBytes <= whole.length; skipBytes += 1)
      assert.equal(await read(dir, { skipBytes }), whole.slice(skipBytes));
  });

  it('ends with a notice at its limit', async () => {
    assert.equal(await read(log(['one', 'two', 'three']).dir, { limitBytes: 8 }), 'one\ntwo\n[full]');
  });

  it('arrives while the command runs, and once', async () => {
    const { dir, append } = log(['one']);
    const ended = new AbortController();
    let text = '';
    const emit = (chunk: Uint8Array): string => (text += Buffer.from(chunk).toString());
    const reading = readCommandLog({ dir, skipBytes: 0, limitBytes: 99, limitNotice: '', ended: ended.signal, emit });
    await eventually('the line', () => text === 'one\n');
    append('two');
    await eventually('the line', () => text === 'one\ntwo\n');
    append('three');
    ended.abort();
    await reading;
    assert.equal(text, 'one\ntwo\nthree\n');
  });
});
