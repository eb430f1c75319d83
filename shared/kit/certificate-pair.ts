import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { encodePem, readPemBlocks } from './pem.ts';

/** Most bytes of a certificate with its chain and key. HAProxy loses a longer text without an error. */
export const PAIR_BYTES_MAX = 16_000;
const RSA_BITS_MIN = 2048;
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** A certificate with its chain and key. */
export interface CertificatePair {
  /** Encoded anew, without any other text and without empty lines: an empty line would end a payload of the runtime API. */
  readonly pem: string;
  /** SHA-256 of the leaf, in lower-case hex. */
  readonly fingerprint: string;
  /** SHA-1 of the leaf in upper-case hex, as HAProxy shows it. */
  readonly sha1: string;
}

/** @throws Error with the reason, without any part of the text */
export function parsePair(text: string): CertificatePair {
  if (Buffer.byteLength(text) > PAIR_BYTES_MAX) throw tooLong();
  const blocks = readPemBlocks(text);
  const [leaf, ...chain] = blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ der }) => certificateOf(der));
  const [key, ...others] = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY')).map(({ der }) => keyOf(der));
  if (leaf === undefined) throw new Error('it contains no certificate');
  if (key === undefined || others.length > 0) throw new Error('it does not contain exactly one key');
  if (!leaf.checkPrivateKey(key)) throw new Error('its key is not the key of its certificate');
  requireStrength(key);
  const pem = [leaf, ...chain].map(({ raw }) => encodePem('CERTIFICATE', raw)).join('') + keyText(key);
  if (pem.length > PAIR_BYTES_MAX) throw tooLong();
  return { pem, fingerprint: bare(leaf.fingerprint256).toLowerCase(), sha1: bare(leaf.fingerprint) };
}

/** True for a certificate with its key. */
export function isPair(text: string | undefined): boolean {
  try {
    return text !== undefined && parsePair(text).pem !== '';
  } catch {
    return false;
  }
}

/** SHA-256 of the public key of the first certificate, lower-case hex. Undefined: the text begins with no certificate. */
export function publicKeyHash(certificatePem: string): string | undefined {
  const [first] = readPemBlocks(certificatePem);
  if (first?.label !== 'CERTIFICATE') return undefined;
  const spki = certificateOf(first.der).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

function certificateOf(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw new Error('a certificate in it is damaged');
  }
}

function keyOf(key: Buffer): KeyObject {
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    try {
      return createPrivateKey({ key, format: 'der', type });
    } catch {
      // The next form may fit.
    }
  }
  throw new Error('its key is damaged or encrypted');
}

/** HAProxy does not load weaker keys, and clients do not accept other kinds. */
function requireStrength({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): void {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa' && modulusLength >= RSA_BITS_MIN) return;
  if (asymmetricKeyType === 'ec' && CURVES.has(namedCurve)) return;
  throw new Error(`its key must be RSA with ${String(RSA_BITS_MIN)} bits or more, or ECDSA`);
}

function keyText(key: KeyObject): string {
  return encodePem('PRIVATE KEY', key.export({ type: 'pkcs8', format: 'der' }));
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(':', '');
}

function tooLong(): Error {
  return new Error(`it has more than ${String(PAIR_BYTES_MAX)} bytes`);
}
