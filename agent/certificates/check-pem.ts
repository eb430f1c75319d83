import { createPrivateKey, X509Certificate } from 'node:crypto';
import { encodePem, readPemBlocks } from '../../shared/kit/pem.ts';

/** Most bytes of a certificate with its chain and key. The controller sends at most 12 kB. */
export const PEM_BYTES_MAX = 16_000;

/** @returns the PEM, encoded anew from its data: certificate, intermediates, key. @throws Error with a reason that has no part of the text */
export function checkPem(text: string, fingerprint: string): string {
  if (Buffer.byteLength(text) > PEM_BYTES_MAX) throw new Error(`it has more than ${String(PEM_BYTES_MAX)} bytes`);
  const blocks = readPemBlocks(text);
  const keys = blocks.filter(({ label }) => label === 'PRIVATE KEY');
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ der }) => parseCertificate(der));
  const [leaf] = certificates;
  const [key] = keys;
  if (leaf === undefined || key === undefined || keys.length > 1)
    throw new Error('it does not have a certificate and one key');
  if (leaf.fingerprint256.replaceAll(':', '').toLowerCase() !== fingerprint)
    throw new Error('it has another certificate');
  if (!leaf.checkPrivateKey(parseKey(key.der))) throw new Error('its key does not belong to its certificate');
  return certificates.map(({ raw }) => encodePem('CERTIFICATE', raw)).join('') + encodePem('PRIVATE KEY', key.der);
}

function parseCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw new Error('a certificate in it is damaged');
  }
}

function parseKey(key: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } catch {
    throw new Error('its key is damaged');
  }
}
