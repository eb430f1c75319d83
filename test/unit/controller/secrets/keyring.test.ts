import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Keyring, newConfigKey, parseKeyFile, renderKeyFile } from '../../../../controller/secrets/keyring.ts';

const PATH = '/state/config.key';

describe('the key file of the config values', () => {
  it('is read back as it was written, with the current key first', () => {
    const keys = [newConfigKey(), newConfigKey()];
    const read = parseKeyFile(renderKeyFile(keys), PATH);
    assert.deepEqual(
      read.map(({ id }) => id),
      keys.map(({ id }) => id),
    );
    const ring = new Keyring(read);
    assert.equal(ring.current?.id, keys[0]?.id);
    assert.equal(ring.find(keys[1]?.id ?? '')?.secret.equals(keys[1]!.secret), true);
    assert.equal(ring.find('0000000000000000'), undefined);
  });

  it('takes a line of openssl, and the same key twice as one', () => {
    const line = Buffer.alloc(32, 1).toString('base64');
    assert.equal(parseKeyFile(`${line}\r\n\n# a note\n ${line}\n`, PATH).length, 1);
  });

  for (const [what, text] of [
    ['an empty file', ''],
    ['only comments', '# nothing\n'],
    ['a short key', `${Buffer.alloc(16).toString('base64')}\n`],
    ['half a line', Buffer.alloc(32, 1).toString('base64').slice(0, 20)],
    ['other text', 'PRIVATE-WORDS\n'],
  ] as const) {
    it(`refuses ${what}, and does not repeat it`, () => {
      assert.throws(
        () => parseKeyFile(text, PATH),
        (error: Error & { code?: string }) =>
          error.code === 'SLIP_CONFIG_KEY_FILE' && error.message.includes(PATH) && !error.message.includes('PRIVATE'),
      );
    });
  }

  it('prints no key', () => {
    const key = newConfigKey();
    const secret = key.secret.export().toString('base64');
    assert.ok(!inspect(new Keyring([key]), { depth: 5 }).includes(secret));
    assert.ok(!JSON.stringify(key).includes(secret));
  });
});
