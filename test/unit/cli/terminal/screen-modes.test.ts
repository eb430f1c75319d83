import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ScreenModes } from '../../../../cli/terminal/screen-modes.ts';

const modesAfter = (...pieces: readonly string[]): string => {
  const modes = new ScreenModes();
  for (const piece of pieces) modes.see(Buffer.from(piece));
  return modes.restore();
};

describe('the modes of a terminal after a lost connection', () => {
  it('are set back: the other screen, the cursor, bracketed paste and the mouse', () => {
    assert.equal(
      modesAfter('\u001b[?1049h\u001b[?1h\u001b=text\u001b[?25l', '\u001b[?2004;1006h'),
      '\u001b[0m\u001b[?1049l\u001b[?1l\u001b[?25h\u001b[?2004l\u001b[?1006l',
    );
  });

  it('stay as they are when the program has set them back itself, or changed none', () => {
    assert.equal(modesAfter('plain \u001b[31mred\u001b[0m \u001b[?12h'), '');
    assert.equal(modesAfter('\u001b[?1049h\u001b[?25l', 'vim', '\u001b[?25h\u001b[?1049l'), '');
  });

  it('are read from sequences that come in two pieces', () => {
    for (const at of [1, 2, 3, 5, 7]) {
      const whole = '\u001b[?1049h';
      assert.equal(modesAfter(`a${whole.slice(0, at)}`, `${whole.slice(at)}b`), '\u001b[0m\u001b[?1049l', String(at));
    }
  });

  it('do not keep output that only looks like the begin of a sequence', () => {
    assert.equal(modesAfter(`\u001b[?${'1'.repeat(100)}`, '049h'), '');
  });
});
