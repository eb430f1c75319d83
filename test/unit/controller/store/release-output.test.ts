import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addOutput, RELEASE_OUTPUT_BYTES_MAX } from '../../../../controller/store/release-output.ts';

it('keeps the output up to the limit, cuts between two characters, and says once that it cut', () => {
  assert.equal(addOutput(0, 'migrated\n'), 'migrated\n');
  const room = 4;
  const cut = addOutput(RELEASE_OUTPUT_BYTES_MAX - room, 'abcé');
  assert.equal(cut.split('\n')[0], 'abc');
  assert.match(cut, /The rest of the output is not kept: the limit is 1 MB\./);
  const bytes = RELEASE_OUTPUT_BYTES_MAX - room + Buffer.byteLength(cut);
  assert.equal(addOutput(bytes, 'more'), '');
});

it('drops NUL bytes, which a text in the database cannot have', () => {
  assert.equal(addOutput(0, 'a\0b'), 'ab');
});
