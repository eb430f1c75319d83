import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createConfigCipher } from '../../../../controller/secrets/config-cipher.ts';
import { Keyring, newConfigKey } from '../../../../controller/secrets/keyring.ts';

const PLACE = { appId: 'appappappapp', name: 'DATABASE_URL' };
const REFUSED = { code: 'SLIP_CONFIG_DECRYPT' };

describe('the cipher of the config values', () => {
  it('decrypts what it encrypted, and never encrypts the same value to the same text', () => {
    const cipher = createConfigCipher(new Keyring([newConfigKey()]));
    for (const text of ['', 'postgres://ada:pw@db/shop', 'line\nline\r\n\t"\'$', 'ünïcödé 🚀', 'x'.repeat(65_536)]) {
      const sealed = cipher.seal(text, PLACE);
      assert.ok(text === '' || !sealed.text.includes(text));
      assert.equal(cipher.open(sealed, PLACE), text);
      assert.notEqual(cipher.seal(text, PLACE).text, sealed.text);
    }
  });

  it('refuses a text that was copied to another app, name, release or kind', () => {
    const cipher = createConfigCipher(new Keyring([newConfigKey()]));
    const sealed = cipher.seal('secret', PLACE);
    for (const place of [
      { ...PLACE, appId: 'otherotherot' },
      { ...PLACE, name: 'OTHER' },
      { appId: PLACE.appId, version: 1 },
    ])
      assert.throws(() => cipher.open(sealed, place), REFUSED);
    const release = cipher.seal('{}', { appId: PLACE.appId, version: 1 });
    assert.throws(() => cipher.open(release, { appId: PLACE.appId, version: 2 }), REFUSED);
  });

  it('refuses a text in which any byte was changed, and one that is too short', () => {
    const cipher = createConfigCipher(new Keyring([newConfigKey()]));
    const { keyId, text } = cipher.seal('secret', PLACE);
    const bytes = Buffer.from(text, 'base64');
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => cipher.open({ keyId, text: changed.toString('base64') }, PLACE), REFUSED);
    }
    assert.throws(() => cipher.open({ keyId, text: '' }, PLACE), REFUSED);
  });

  it('needs the key of the text, and a key at all', () => {
    const [one, other] = [newConfigKey(), newConfigKey()];
    const sealed = createConfigCipher(new Keyring([one])).seal('secret', PLACE);
    assert.equal(createConfigCipher(new Keyring([other, one])).open(sealed, PLACE), 'secret');
    assert.throws(() => createConfigCipher(new Keyring([other])).open(sealed, PLACE), REFUSED);
    assert.throws(() => createConfigCipher(new Keyring([other])).open({ ...sealed, keyId: other.id }, PLACE), REFUSED);
    const none = createConfigCipher(new Keyring());
    assert.throws(() => none.open({ keyId: null, text: 'clear' }, PLACE), REFUSED);
    assert.throws(() => none.seal('secret', PLACE), { code: 'SLIP_CONFIG_KEY_ABSENT' });
  });
});
