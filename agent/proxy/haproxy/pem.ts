import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** HAProxy loses a longer text without an error. The limit includes the key. */
const PEM_BYTES_MAX = 16_000;
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----[A-Za-z0-9+/=\s]+-----END \1-----/g;
const LINE_CHARACTERS = 64;
const RSA_BITS_MIN = 2048;
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** A certificate with its chain and key. */
export interface Pair {
  /** Encoded anew, without any other text and without empty lines: an empty line would end a payload of the runtime API. */
  readonly pem: string;
  /** SHA-256 of the leaf, in lower-case hex. */
  readonly fingerprint: string;
  /** SHA-1 of the leaf in upper-case hex, as HAProxy shows it. */
  readonly sha1: string;
}

/** @throws Error with the reason, without any part of the text */
export function parsePair(text: string): Pair {
  if (Buffer.byteLength(text) > 4 * PEM_BYTES_MAX) throw new Error(`it has more than ${String(PEM_BYTES_MAX)} bytes`);
  const blocks = [...text.matchAll(BLOCK)].map(([block, label = '']) => ({ block, label }));
  const [leaf, ...chain] = blocks
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ block }) => certificateOf(block));
  const [key, ...others] = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY')).map(({ block }) => keyOf(block));
  if (leaf === undefined) throw new Error('it contains no certificate');
  if (key === undefined || others.length > 0) throw new Error('it does not contain exactly one key');
  if (!leaf.checkPrivateKey(key)) throw new Error('its key is not the key of its certificate');
  requireStrength(key);
  const pem = [leaf, ...chain].map(({ raw }) => encode('CERTIFICATE', raw)).join('') + keyText(key);
  if (pem.length > PEM_BYTES_MAX) throw new Error(`it has more than ${String(PEM_BYTES_MAX)} bytes`);
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

function certificateOf(block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch {
    throw new Error('a certificate in it is damaged');
  }
}

function keyOf(block: string): KeyObject {
  try {
    return createPrivateKey(block);
  } catch {
    throw new Error('its key is damaged or encrypted');
  }
}

/** HAProxy does not load weaker keys, and clients do not accept other kinds. */
function requireStrength({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): void {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa' && modulusLength >= RSA_BITS_MIN) return;
  if (asymmetricKeyType === 'ec' && CURVES.has(namedCurve)) return;
  throw new Error(`its key must be RSA with ${String(RSA_BITS_MIN)} bits or more, or ECDSA`);
}

function keyText(key: KeyObject): string {
  return encode('PRIVATE KEY', key.export({ type: 'pkcs8', format: 'der' }));
}

function encode(label: string, der: Buffer): string {
  const base64 = der.toString('base64');
  const lines = Array.from({ length: Math.ceil(base64.length / LINE_CHARACTERS) }, (_, index) =>
    base64.slice(index * LINE_CHARACTERS, (index + 1) * LINE_CHARACTERS),
  );
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(':', '');
}
