import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderError } from '../../../../cli/terminal/error.ts';
import { escapeControls } from '../../../../cli/terminal/escape.ts';
import { renderLogLine } from '../../../../cli/terminal/log-line.ts';
import { colourPaint, plainPaint } from '../../../../cli/terminal/paint.ts';
import { renderTable } from '../../../../cli/terminal/table.ts';
import { renderBytes } from '../../../../cli/terminal/time.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

const line = { atMs: Date.UTC(2026, 10, 20, 10, 0, 0, 7), source: 'app' as const, process: 'web.1' };

describe('text of the CLI', () => {
  it('prints log lines in the format of Heroku', () => {
    const text = renderLogLine({ ...line, message: 'hello' }, plainPaint, 'none');
    assert.equal(text, '2026-11-20T10:00:00.007000+00:00 app[web.1]: hello\n');
  });

  it('makes control characters of an app visible, unless the user wants them unchanged', () => {
    const message = '\u001b]52;c;aGk=\u0007\rfake\u202e\ttab é 漢';
    assert.match(
      renderLogLine({ ...line, message }, plainPaint, 'none'),
      /: \\x1b\]52;c;aGk=\\x07\\x0dfake\\u202e\ttab é 漢\n$/,
    );
    assert.ok(renderLogLine({ ...line, message }, plainPaint, 'all').endsWith(`: ${message}\n`));
    assert.equal(escapeControls('a\r\nb'), 'a\nb');
    assert.equal(escapeControls('\u009b31m'), '\\x9b31m');
  });

  it('passes only colours of an app to a terminal, and resets them at the end of the line', () => {
    const message = '\u001b[1;31mred\u001b[m \u001b[2Jx\u001b]0;title\u0007 \u001b[38:5:1mdeep';
    const expected = '\u001b[1;31mred\u001b[m \\x1b[2Jx\\x1b]0;title\\x07 \u001b[38:5:1mdeep\u001b[0m';
    assert.ok(renderLogLine({ ...line, message }, plainPaint, 'colours').endsWith(`: ${expected}\n`));
    assert.ok(renderLogLine({ ...line, message: 'plain' }, plainPaint, 'colours').endsWith(': plain\n'));
  });

  it('prints an error with its hint, and no control characters', () => {
    const error = new SlipwayError({ code: 'SLIP_X', message: 'It is\u001b[2J broken.', hint: 'Mend it.' });
    assert.equal(renderError(error, plainPaint), ' !    It is\\x1b[2J broken.\n      Mend it.\n');
  });

  it('aligns columns without counting colour codes', () => {
    const rows = [[{ text: 'ab', paint: colourPaint.red }, 'x'], ['abc', 'y'], ['a']];
    assert.equal(renderTable(rows), '\u001b[31mab\u001b[39m   x\nabc  y\na\n');
  });

  it('says sizes in one unit', () => {
    assert.deepEqual([0, 999, 1000, 13_400_000].map(renderBytes), ['0 B', '999 B', '1.0 kB', '13.4 MB']);
  });
});
