import { webcrypto } from 'node:crypto';
import * as x509 from '../../../shared/kit/x509.ts';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** No client can trust it anyway. */
const LIFE_MS = 7300 * DAY_MS;

/** A certificate without a name, signed by itself, with its key. PEM. */
export async function createFallbackCertificate(nowMs: number): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    name: 'CN=No certificate yet, O=Slipway',
    notBefore: new Date(nowMs - DAY_MS),
    notAfter: new Date(nowMs + LIFE_MS),
    keys,
    signingAlgorithm: SIGNING,
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return `${certificate.toString('pem').trim()}\n${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY').trim()}\n`;
}
