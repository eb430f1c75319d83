import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cleanTerminalText, TerminalText } from '../../../../controller/push/terminal-text.ts';
import { cpuTimeMs } from '../../../support/cpu-time.ts';

/** What is quadratic takes minutes for such an input. */
const LINEAR_MAX_CPU_MS = 5_000;

test('colours, titles, links and cursor moves are taken out, words stay', () => {
  assert.equal(
    cleanTerminalText(
      '\u001b[1;31mred\u001b[0m \u001b]0;title\u0007and \u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\',
    ),
    'red and link',
  );
  assert.equal(
    cleanTerminalText('a\u001b[2Jb\u001b[10;10Hc\u001bcd\u001b(Be\u009b31mf\u001bP1$qm\u001b\\g'),
    'abcdefg',
  );
});

test('newline and tab stay; carriage returns become line ends', () => {
  assert.equal(cleanTerminalText('a\tb\r\nc\rd\r\r\ne\n'), 'a\tb\nc\nd\ne\n');
});

test('other control characters, direction marks and line separators vanish', () => {
  assert.equal(cleanTerminalText('a\0b\u0007c\u0008d\u007fe\u202ef\u2066g\u2028h\u0085i\ufeffj'), 'abcdefghij');
});

test('a sequence, a character or a line end that is split between chunks is recognised', () => {
  const cleaner = new TerminalText();
  const chunks = ['x\u001b', '[3', '1mred', '\u001b]0;ti', 'tle', '\u0007.', 'a\r', '\nb'];
  assert.equal(chunks.map((chunk) => cleaner.push(chunk)).join('') + cleaner.end(), 'xred.a\nb');
  const bytes = Buffer.from('grün €');
  const other = new TerminalText();
  assert.equal([...bytes].map((byte) => other.push(Uint8Array.of(byte))).join('') + other.end(), 'grün €');
});

test('a title that never ends is not held for ever', () => {
  const cleaner = new TerminalText();
  cleaner.push(`\u001b]0;${'x'.repeat(5000)}`);
  assert.ok(cleaner.push('seen').endsWith('seen'));
});

test('no input passes a control character, and chunks do not matter', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (chunks) => {
      const cleaner = new TerminalText();
      const text = chunks.map((chunk) => cleaner.push(chunk)).join('') + cleaner.end();
      assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }),
    { numRuns: 1000 },
  );
});

test('a megabyte of hostile sequence starts is cleaned quickly', () => {
  for (const part of ['\u001b]', '\u001b[', '\u0090', '\u001b[1;', '\r', '\u001b', 'a\u009d']) {
    const tookMs = cpuTimeMs(() => void cleanTerminalText(part.repeat(1_000_000 / part.length)));
    assert.ok(tookMs < LINEAR_MAX_CPU_MS, JSON.stringify(part));
  }
});
