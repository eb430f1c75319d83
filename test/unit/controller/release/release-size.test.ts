import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkReleaseSize, COMMAND_BYTES_MAX } from '../../../../controller/release/release-size.ts';
import { CONFIG_BYTES_MAX } from '../../../../shared/domain/config-size.ts';
import { sealAll } from '../../../../shared/kit/sensitive.ts';
import { slugOf } from '../../../support/store-fixtures.ts';

const { layers } = slugOf('a', 'b');
const full = sealAll({ A: 'x'.repeat(CONFIG_BYTES_MAX - 3) });

function types(count: number, bytes: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`type${String(index)}`, 'x'.repeat(bytes)]));
}

describe('the size of a release', () => {
  it('holds a full config and a hundred ordinary commands', () => {
    checkReleaseSize('shop', { layers, processTypes: types(100, 1_000) }, full);
  });

  it('is refused before it is stored, with both numbers', () => {
    assert.throws(() => checkReleaseSize('shop', { layers, processTypes: types(100, 3_000) }, full), {
      code: 'SLIP_RELEASE_SIZE',
      message: /^The config, commands and layers of shop have \d+ bytes in all; the limit is 262144\.$/,
    });
    assert.throws(
      () => checkReleaseSize('shop', { layers, processTypes: { web: 'x'.repeat(COMMAND_BYTES_MAX + 1) } }, full),
      {
        message: 'The command of web has 65537 bytes; the limit is 65536.',
      },
    );
  });
});
