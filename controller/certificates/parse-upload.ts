import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { parseDomain } from '../../shared/domain/names.ts';
import { encodePem, hasPemMark, readPemBlocks } from '../../shared/kit/pem.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import * as x509 from '../../shared/kit/x509.ts';
import type { NewCertificate } from '../domain/certificates.ts';
import * as refuse from './upload-errors.ts';

/** Most bytes of an uploaded file. */
export const UPLOAD_BYTES_MAX = 64 * 1024;
/** Most bytes of a certificate, its chain and its key, as PEM. HAProxy reads 16 kB at once. */
const PEM_BYTES_MAX = 12_000;
const RSA_BITS_MIN = 2048;
/** Longer keys make each new connection slow. */
const RSA_BITS_MAX = 8192;
const CURVES: readonly (string | undefined)[] = ['prime256v1', 'secp384r1'];
const CHAIN_MAX = 10;
const ENDS_SOON_MS = 30 * 24 * 60 * 60_000;

/** The two files of a user, as they are. */
export interface UploadedFiles {
  readonly certificate: Buffer;
  readonly key: Buffer;
}

export type ParsedUpload = Omit<NewCertificate, 'id' | 'appId' | 'kind'> & { readonly warnings: readonly string[] };

/**
 * Reads PEM or DER, with the chain in any order. The result is encoded again from the parsed data, because text of a user could have commands
 * for the proxy behind an empty line.
 * @throws SLIP_CERT_*; no message has a part of a file
 */
export function parseUpload({ certificate, key: keyBytes }: UploadedFiles, nowMs: number): ParsedUpload {
  for (const [what, bytes] of [
    ['certificate', certificate],
    ['key', keyBytes],
  ] as const)
    if (bytes.length > UPLOAD_BYTES_MAX) throw refuse.fileTooLarge(what, bytes.length, UPLOAD_BYTES_MAX);
  const all = readCertificates(certificate);
  const key = readKey(keyBytes);
  requireStrongKey(key);
  const leaf = all.find((one) => one.checkPrivateKey(key));
  if (leaf === undefined) throw refuse.keyOfOtherCertificate();
  const [notBeforeMs, notAfterMs] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  if (notAfterMs <= nowMs) throw refuse.expired(notAfterMs);
  if (notBeforeMs > nowMs) throw refuse.notYetValid(notBeforeMs);
  const names = dnsNames(leaf);
  if (names.length === 0) throw refuse.withoutNames();
  const chain = chainOf(leaf, all);
  const chainPem = [leaf, ...chain].map(({ raw }) => encodePem('CERTIFICATE', raw)).join('');
  const keyPem = encodePem('PRIVATE KEY', key.export({ type: 'pkcs8', format: 'der' }));
  const pemBytes = chainPem.length + keyPem.length;
  if (pemBytes > PEM_BYTES_MAX) throw refuse.chainTooLong(pemBytes, PEM_BYTES_MAX);
  return {
    ...{ names, chainPem, keyPem: new Sensitive(keyPem), notBeforeMs, notAfterMs },
    fingerprint: fingerprintOf(leaf),
    issuer: issuerOf(leaf),
    warnings: warningsOf(leaf, { chain, unused: all.length - 1 - chain.length, nowMs }),
  };
}

function readCertificates(bytes: Buffer): readonly X509Certificate[] {
  const text = bytes.toString('latin1');
  if (!hasPemMark(text)) {
    if (privateKeyOf(bytes) !== undefined) throw refuse.keyAsCertificate();
    return [certificateOf(bytes)];
  }
  const blocks = readPemBlocks(text);
  const certificates = blocks.filter(({ label }) => label.endsWith('CERTIFICATE'));
  if (certificates.length === 0 && text.includes('PRIVATE KEY-----')) throw refuse.keyAsCertificate();
  if (certificates.length === 0) throw refuse.certificateUnreadable();
  const all = certificates.map(({ der }) => certificateOf(der));
  return [...new Map(all.map((one) => [fingerprintOf(one), one])).values()];
}

function certificateOf(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw refuse.certificateUnreadable();
  }
}

function readKey(bytes: Buffer): KeyObject {
  const text = bytes.toString('latin1');
  const blocks = readPemBlocks(text);
  const block = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block?.encrypted === true) throw refuse.keyEncrypted();
  const key = privateKeyOf(block?.der ?? bytes);
  if (key !== undefined) return key;
  const isCertificate = blocks.some(({ label }) => label.endsWith('CERTIFICATE')) || isDerCertificate(bytes);
  throw isCertificate ? refuse.certificateAsKey() : refuse.keyUnreadable();
}

function isDerCertificate(bytes: Buffer): boolean {
  try {
    return new X509Certificate(bytes).raw.length > 0;
  } catch {
    return false;
  }
}

/** @throws SLIP_CERT_KEY_ENCRYPTED */
function privateKeyOf(der: Buffer): KeyObject | undefined {
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    try {
      return createPrivateKey({ key: der, format: 'der', type });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_MISSING_PASSPHRASE')
        throw refuse.keyEncrypted();
    }
  }
  return undefined;
}

function requireStrongKey({ asymmetricKeyType: kind, asymmetricKeyDetails }: KeyObject): void {
  const { modulusLength: bits = 0, namedCurve } = asymmetricKeyDetails ?? {};
  if (kind === 'rsa') {
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) throw refuse.keyWeak(bits, RSA_BITS_MIN, RSA_BITS_MAX);
  } else if (kind !== 'ec' || !CURVES.includes(namedCurve)) {
    throw refuse.keyOfOtherKind(namedCurve ?? kind ?? 'unknown');
  }
}

/** Names that are no domains, such as addresses, serve no app. */
function dnsNames(leaf: X509Certificate): readonly string[] {
  const extension = new x509.X509Certificate(leaf.raw).getExtension(x509.SubjectAlternativeNameExtension);
  const names = (extension?.names.items ?? []).flatMap(({ type, value }) => (type === 'dns' ? [value] : []));
  return [...new Set(names.flatMap(domainOrNothing))].sort();
}

function domainOrNothing(text: string): readonly string[] {
  try {
    return [parseDomain(text.toLowerCase())];
  } catch {
    return [];
  }
}

/** The intermediates, in order. A root is not sent, because a browser trusts only its own. */
function chainOf(leaf: X509Certificate, all: readonly X509Certificate[]): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let last = leaf; chain.length < CHAIN_MAX;) {
    const issuer = all.find((one) => !isSelfSigned(one) && one !== last && !chain.includes(one) && issued(one, last));
    if (issuer === undefined) return chain;
    chain.push(issuer);
    last = issuer;
  }
  return chain;
}

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return issued(certificate, certificate);
}

function fingerprintOf({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(':', '').toLowerCase();
}

/** The organisation, else the common name. Unprintable characters are dropped, because terminals show this text. */
function issuerOf(leaf: X509Certificate): string {
  const { issuerName } = new x509.X509Certificate(leaf.raw);
  const [text = ''] = [...issuerName.getField('O'), ...issuerName.getField('CN')];
  return text.replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '').slice(0, 100);
}

function warningsOf(
  leaf: X509Certificate,
  {
    chain,
    unused,
    nowMs,
  }: { readonly chain: readonly X509Certificate[]; readonly unused: number; readonly nowMs: number },
): readonly string[] {
  const endsMs = leaf.validToDate.getTime();
  const days = Math.floor((endsMs - nowMs) / (24 * 60 * 60_000));
  const roots = isSelfSigned(leaf);
  return [
    ...(roots ? ['The certificate is signed by its own key, so browsers show a warning.'] : []),
    ...(!roots && chain.length === 0
      ? [
          'The file has no chain. Many clients do not accept the certificate without the intermediates of its authority.',
        ]
      : []),
    ...(endsMs - nowMs < ENDS_SOON_MS
      ? [`The certificate ends in ${String(days)} ${days === 1 ? 'day' : 'days'}.`]
      : []),
    ...(unused > 1 ? ['Some certificates in the file are not in the chain, and were left out.'] : []),
  ];
}
