import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import ssh2 from 'ssh2';
import { generateSoundKey } from '../../../../../controller/push/ssh/host-key.ts';

describe('a generated host key', () => {
  it('is made again when the first cannot be read back', () => {
    const made: string[] = [];
    const key = generateSoundKey(() => {
      const next = made.length === 0 ? 'damaged' : ssh2.utils.generateKeyPairSync('ed25519').private;
      made.push(next);
      return next;
    });
    assert.ok(made.length > 1);
    assert.equal(key, made.at(-1));
  });

  it('fails with a clear error when no key can be read', () => {
    assert.throws(() => generateSoundKey(() => 'damaged'), { code: 'SLIP_PUSH_HOST_KEY' });
  });
});
