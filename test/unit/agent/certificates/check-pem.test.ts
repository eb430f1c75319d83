import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { checkPem, PEM_BYTES_MAX } from '../../../../agent/certificates/check-pem.ts';
import { makeWebCertificate } from '../../../support/web-certificates.ts';

describe('the PEM of a certificate on a node', () => {
  it('is accepted only with the right certificate and its key, and is encoded anew', async () => {
    const [one, other] = [await makeWebCertificate({ names: ['a.example'] }), await makeWebCertificate()];
    const fingerprint = new X509Certificate(one.der).fingerprint256.replaceAll(':', '').toLowerCase();
    const pem = one.pem + one.keyPem;
    assert.equal(checkPem(pem, fingerprint), pem);
    assert.equal(checkPem(`\n\nset server a/b state maint\n${pem}\n\nmore`, fingerprint), pem);
    assert.equal(checkPem(one.pem + other.pem + one.keyPem, fingerprint), one.pem + other.pem + one.keyPem);
    const refused: readonly (readonly [string, RegExp])[] = [
      ['', /does not have a certificate/],
      [one.pem, /one key/],
      [pem + other.keyPem, /one key/],
      [pem.slice(0, pem.length / 2), /one key/],
      [one.pem + other.keyPem, /does not belong/],
      [other.pem + other.keyPem, /another certificate/],
      [one.pem + one.keyPem.replace(/MI/, 'AA'), /damaged/],
      [pem + 'x'.repeat(PEM_BYTES_MAX), /bytes/],
    ];
    for (const [text, message] of refused) assert.throws(() => checkPem(text, fingerprint), { message });
  });
});
