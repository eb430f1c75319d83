import { webcrypto } from 'node:crypto';
import { readFileIfExists, writeFileAtomic } from '../../../shared/kit/atomic-file.ts';
import * as x509 from '../../../shared/kit/x509.ts';
import type { KeyAndCertificate } from './certificates.ts';

const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----\n?/g;

/** Key and certificate in one file (0600), so that a power cut leaves both or neither. */
export async function writeCredential(path: string, credential: KeyAndCertificate): Promise<void> {
  const { keyPem, certificatePem } = await toPem(credential);
  await writeFileAtomic(path, `${keyPem}${certificatePem}`, 0o600);
}

/** Undefined when the file does not exist. @throws Error when it cannot be read, is damaged, or key and certificate do not match */
export async function readCredential(path: string): Promise<KeyAndCertificate | undefined> {
  const text = await readFileIfExists(path);
  if (text === undefined) return undefined;
  const blocks = new Map([...text.matchAll(PEM_BLOCK)].map((match) => [match[1], match[0]]));
  const certificate = new x509.X509Certificate(blocks.get('CERTIFICATE') ?? '');
  const key = await importKey(blocks.get('PRIVATE KEY') ?? '');
  if (!(await belongTogether(key, certificate))) throw new Error('the key does not belong to the certificate');
  return { key, certificate };
}

export async function toPem(credential: KeyAndCertificate): Promise<{ keyPem: string; certificatePem: string }> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', credential.key);
  return {
    keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    certificatePem: `${credential.certificate.toString('pem')}\n`,
  };
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
}

async function belongTogether(key: webcrypto.CryptoKey, certificate: x509.X509Certificate): Promise<boolean> {
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const probe = new TextEncoder().encode('slipway');
  const publicKey = await webcrypto.subtle.importKey('spki', certificate.publicKey.rawData, curve, true, ['verify']);
  return await webcrypto.subtle.verify(algorithm, publicKey, await webcrypto.subtle.sign(algorithm, key, probe), probe);
}
