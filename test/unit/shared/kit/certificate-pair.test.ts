import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { isPair, PAIR_BYTES_MAX, parsePair } from '../../../../shared/kit/certificate-pair.ts';
import { makeWebCertificate } from '../../../support/web-certificates.ts';

describe('the text of a certificate with its key', () => {
  it('is accepted only with one key, which belongs to the first certificate, and is encoded anew', async () => {
    const [one, other] = [await makeWebCertificate({ names: ['a.example'] }), await makeWebCertificate()];
    const { fingerprint256, fingerprint } = new X509Certificate(one.der);
    const pem = one.pem + one.keyPem;
    const bare = (text: string): string => text.replaceAll(':', '');
    const expected = { pem, fingerprint: bare(fingerprint256).toLowerCase(), sha1: bare(fingerprint) };
    assert.deepEqual(parsePair(pem), expected);
    assert.deepEqual(parsePair(`\n\nset server a/b state maint\n${pem}\n\nmore`), expected);
    assert.equal(parsePair(one.pem + other.pem + one.keyPem).pem, one.pem + other.pem + one.keyPem);
    const refused: readonly (readonly [string, RegExp])[] = [
      ['', /no certificate/],
      [one.pem, /exactly one key/],
      [pem + other.keyPem, /exactly one key/],
      [pem.slice(0, pem.length / 2), /no certificate/],
      [one.pem + other.keyPem, /not the key of its certificate/],
      [one.pem + one.keyPem.replace(/MI/, 'AA'), /damaged/],
      [pem + 'x'.repeat(PAIR_BYTES_MAX), /bytes/],
    ];
    for (const [text, message] of refused) assert.throws(() => parsePair(text), { message });
    assert.deepEqual([isPair(pem), isPair(one.pem), isPair(undefined)], [true, false, false]);
  });
});
