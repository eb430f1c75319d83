import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeys } from '../../../../controller/access/ca/certificates.ts';
import { ariIdOf } from '../../../../controller/acme/ari.ts';
import * as x509 from '../../../../shared/kit/x509.ts';

async function makeCertificate(serialNumber: string, extensions: x509.Extension[]): Promise<string> {
  const keys = await generateKeys();
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: '',
    keys,
    signingAlgorithm,
    extensions,
  });
  return made.toString('pem');
}

test('the id of a certificate is that of the example in RFC 9773, 4.1', async () => {
  const keyId = '69885b6b87464041e1b37b847ba0ae2cde01c8d4';
  const certificate = await makeCertificate('87654321', [new x509.AuthorityKeyIdentifierExtension(keyId)]);
  assert.equal(ariIdOf(certificate), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
});

test('a serial number without a first bit of 1 gets no byte of zeros', async () => {
  const certificate = await makeCertificate('17654321', [new x509.AuthorityKeyIdentifierExtension('0102')]);
  assert.equal(ariIdOf(certificate), 'AQI.F2VDIQ');
});

test('a certificate that does not name the key of its issuer has no id', async () => {
  assert.equal(ariIdOf(await makeCertificate('01', [])), undefined);
});
