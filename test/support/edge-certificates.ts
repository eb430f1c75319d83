import { generateKeyPairSync, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeCertificate } from '../../agent/certificates/port.ts';
import * as x509 from '../../shared/kit/x509.ts';

const DAY_MS = 86_400_000;
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface EdgeCa {
  /** PEM, for clients of the test. */
  readonly pem: string;
  /** A certificate for these names in a file of this folder. Each call makes another one. */
  issue(dir: string, id: string, names: readonly string[], options?: IssueOptions): Promise<EdgeCertificate>;
}

export interface IssueOptions {
  readonly rsaBits?: number;
  /** Written instead of the key of the certificate. */
  readonly otherKey?: boolean;
  readonly notAfter?: Date;
}

/** A CA like the ones of browsers, for one test. */
export async function makeEdgeCa(): Promise<EdgeCa> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Test CA of clients',
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 365 * DAY_MS),
    keys,
    signingAlgorithm: EC,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    pem: ca.toString('pem'),
    issue: async (dir, id, names, options = {}) => {
      const { privatePem, publicKey } = await newKey(options);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: randomBytes(8).toString('hex'),
        subject: `CN=${names[0] ?? id}`,
        issuer: ca.subject,
        notBefore: new Date(Date.now() - DAY_MS),
        notAfter: options.notAfter ?? new Date(Date.now() + 90 * DAY_MS),
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: EC,
        extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value })))],
      });
      const key = options.otherKey === true ? (await newKey({})).privatePem : privatePem;
      const pemFile = join(dir, `${id}.${randomBytes(4).toString('hex')}.pem`);
      await writeFile(pemFile, `${certificate.toString('pem')}\n${ca.toString('pem')}\n${key}`, { mode: 0o600 });
      return { id, names: [...names].sort(), pemFile, fingerprint: fingerprintOf(certificate.toString('pem')) };
    },
  };
}

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

async function newKey({ rsaBits }: IssueOptions): Promise<{ privatePem: string; publicKey: webcrypto.CryptoKey }> {
  const pair =
    rsaBits === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: rsaBits });
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = rsaBits === undefined ? EC : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const publicKey = await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']);
  return { privatePem: String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })), publicKey };
}
