import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { newSerial } from '../../controller/access/ca/certificates.ts';
import type { FleetCertificate } from '../../shared/domain/fleet-routes.ts';
import type { CertificateId } from '../../shared/domain/ids.ts';
import { encodePem } from '../../shared/kit/pem.ts';
import * as x509 from '../../shared/kit/x509.ts';

const DAY_MS = 24 * 60 * 60_000;

const KEYS = {
  p256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  p384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  p521: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  rsa1024: rsa(1024),
  rsa2048: rsa(2048),
  ed25519: { name: 'Ed25519' },
} as const;

export interface WebCertificate {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  /** Of the certificate alone. */
  readonly pem: string;
  readonly der: Buffer;
  /** PKCS #8. */
  readonly keyPem: string;
  readonly keyDer: Buffer;
}

interface Wanted {
  readonly names?: readonly string[] | undefined;
  /** Absent: signed by its own key. */
  readonly issuer?: WebCertificate | undefined;
  readonly key?: keyof typeof KEYS;
  readonly isCa?: boolean | undefined;
  readonly subject?: string;
  readonly fromMs?: number;
  readonly days?: number;
  /** Bytes of an extension that makes the certificate large. */
  readonly paddingBytes?: number | undefined;
}

/** A certificate as a web server has it, for tests. */
export async function makeWebCertificate(wanted: Wanted = {}): Promise<WebCertificate> {
  const defaults = { key: 'p256', subject: 'CN=test', fromMs: Date.now() - DAY_MS, days: 90 } as const;
  const { issuer, key, subject, fromMs, days } = { ...defaults, ...wanted };
  const algorithm = KEYS[key];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: issuer?.certificate.subjectName ?? subject,
    notBefore: new Date(fromMs),
    notAfter: new Date(fromMs + days * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: issuer === undefined ? algorithm : { name: 'ECDSA', hash: 'SHA-256' },
    extensions: extensionsOf(wanted),
  });
  const keyDer = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const der = Buffer.from(certificate.rawData);
  const [pem, keyPem] = [encodePem('CERTIFICATE', der), encodePem('PRIVATE KEY', keyDer)];
  return { certificate, keys, der, keyDer, pem, keyPem };
}

function extensionsOf({ names = [], isCa = false, paddingBytes }: Wanted): x509.Extension[] {
  const alternatives = names.map((value) => ({ type: 'dns' as const, value }));
  const padding = Buffer.concat([Buffer.from([4, 0]), Buffer.alloc(paddingBytes ?? 0)]);
  return [
    new x509.BasicConstraintsExtension(isCa, undefined, true),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)]),
    ...(paddingBytes === undefined ? [] : [new x509.Extension('1.2.3.4.5', false, padding)]),
  ];
}

/** In the forms that OpenSSL writes. */
export function keyAs(keyDer: Buffer, type: 'sec1' | 'pkcs1' | 'encrypted'): string {
  const key = createPrivateKey({ key: keyDer, format: 'der', type: 'pkcs8' });
  if (type === 'encrypted')
    return key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString();
  return key.export({ type, format: 'pem' }).toString();
}

function rsa(modulusLength: number) {
  return {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  } as const;
}

/** The body of a request that uploads a certificate for this name. */
export async function uploadFor(name: string): Promise<{ readonly certificate: string; readonly key: string }> {
  const { der, keyDer } = await makeWebCertificate({ names: [name] });
  return { certificate: der.toString('base64'), key: keyDer.toString('base64') };
}

/** A certificate as the route table names it, and the PEM that the controller sends. */
export interface Served {
  readonly certificate: FleetCertificate;
  readonly pem: string;
}

export async function aServedCertificate(name: string): Promise<Served> {
  const { der, pem, keyPem } = await makeWebCertificate({ names: [`${name}.example`] });
  const fingerprint = new X509Certificate(der).fingerprint256.replaceAll(':', '').toLowerCase();
  const certificate = { id: `crt0000${name}` as CertificateId, fingerprint, names: [`${name}.example`] };
  return { certificate, pem: pem + keyPem };
}
