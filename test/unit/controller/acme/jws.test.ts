import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { newPrivateKey } from '../../../../controller/acme/csr.ts';
import { accountThumbprint, bindExternalAccount, signRequest, type Jws } from '../../../../controller/acme/jws.ts';

const request = { url: 'https://ca.test/order', nonce: 'n1', payload: { a: 1 } };

function decode(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
}

function isSignedBy(key: ReturnType<typeof newPrivateKey>, { protected: head, payload, signature }: Jws): boolean {
  const publicKey = { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' as const };
  return verify('sha256', Buffer.from(`${head}.${payload}`), publicKey, Buffer.from(signature, 'base64url'));
}

test('a request names the key until the account has a URL', () => {
  const key = newPrivateKey();
  const byKey = signRequest({ key, accountUrl: undefined }, request);
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' });
  const header = { alg: 'ES256', jwk: { crv, kty, x, y }, nonce: 'n1', url: request.url };
  assert.deepEqual(decode(byKey.protected), header);
  assert.deepEqual(decode(byKey.payload), { a: 1 });
  assert.ok(isSignedBy(key, byKey));
  const byUrl = signRequest({ key, accountUrl: 'https://ca.test/account/1' }, { ...request, payload: undefined });
  assert.deepEqual(decode(byUrl.protected), {
    ...{ alg: 'ES256', kid: 'https://ca.test/account/1' },
    ...{ nonce: 'n1', url: request.url },
  });
  assert.equal(byUrl.payload, '');
  assert.ok(isSignedBy(key, byUrl));
  assert.equal(isSignedBy(newPrivateKey(), byUrl), false);
});

test('the binding of an account is signed with the key of the CA', () => {
  const hmacKey = Buffer.from('secret of the CA').toString('base64url');
  const jws = bindExternalAccount(newPrivateKey(), { keyId: 'kid1', hmacKey }, 'https://ca.test/account');
  const wanted = createHmac('sha256', 'secret of the CA').update(`${jws.protected}.${jws.payload}`);
  assert.equal(jws.signature, wanted.digest('base64url'));
  assert.deepEqual(decode(jws.protected), { alg: 'HS256', kid: 'kid1', url: 'https://ca.test/account' });
});

test('the thumbprint is that of RFC 7638 for a known key', () => {
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
    y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE',
  };
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  assert.equal(accountThumbprint(key), 'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s');
});
