import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fit, repaint } from '../../../../cli/terminal/live-screen.ts';
import { colourPaint } from '../../../../cli/terminal/paint.ts';

describe('a live screen', () => {
  it('writes only the lines that changed', () => {
    assert.equal(repaint(['a', 'b', 'c'], ['a', 'B', 'c']), '\u001b[2;1HB\u001b[K');
    assert.equal(repaint(['a', 'b'], ['a']), '\u001b[2;1H\u001b[K');
    assert.equal(repaint(['a'], ['a']), '');
  });

  it('cuts coloured lines to the width, and says how many lines are hidden', () => {
    assert.deepEqual(fit('1234567890\n12\n', { columns: 5, rows: 9 }), ['12345', '12']);
    assert.deepEqual(fit(`${colourPaint.red('12345')}\n`, { columns: 5, rows: 9 }), [colourPaint.red('12345')]);
    assert.deepEqual(fit(colourPaint.red('123456'), { columns: 5, rows: 9 }), ['\u001b[31m12345\u001b[0m']);
    assert.deepEqual(fit('a\nb\nc\nd', { columns: 20, rows: 3 }), ['a', 'b', '… 2 more lines']);
  });
});
