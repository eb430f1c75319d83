import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import * as x509 from '../../shared/kit/x509.ts';
import { nameConstraints } from './name-constraints.ts';

// The CA of `script/quickstart --tls`. Nothing on this machine trusts it, until a user says so.

const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
/** Browsers take no longer time. */
const APPS_DAYS = 397;
const RENEW_DAYS = 30;
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const { KeyUsageFlags } = x509;

interface LocalCaOptions {
  /** For `ca.pem` and `ca.key`. */
  readonly caDir: string;
  /** For `apps.pem` and `apps.key`: the certificate of the names below the base domain. */
  readonly appsDir: string;
  readonly baseDomain: string;
  readonly nowMs: number;
}

interface Ca {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** Makes what is missing, is of another base domain, or ends soon. @returns true when it made a certificate for apps */
export async function makeLocalCertificate(options: LocalCaOptions): Promise<boolean> {
  const { caDir, appsDir, nowMs } = options;
  await ensureDir(caDir);
  await ensureDir(appsDir);
  const ca = (await readCa(options)) ?? (await makeCa(options));
  const stored = await readFileIfExists(join(appsDir, 'apps.pem'));
  const hasKey = (await readFileIfExists(join(appsDir, 'apps.key'))) !== undefined;
  if (stored !== undefined && hasKey && (await isGood(new x509.X509Certificate(stored), ca, nowMs))) return false;
  await makeApps(options, ca);
  return true;
}

async function isGood(stored: x509.X509Certificate, { certificate }: Ca, nowMs: number): Promise<boolean> {
  if (stored.notAfter.getTime() < nowMs + RENEW_DAYS * DAY_MS) return false;
  return await stored.verify({ publicKey: certificate.publicKey, signatureOnly: true });
}

/** Undefined: there is none for this base domain that is valid long enough. */
async function readCa({ caDir, baseDomain, nowMs }: LocalCaOptions): Promise<Ca | undefined> {
  const pem = await readFileIfExists(join(caDir, 'ca.pem'));
  const keyPem = await readFileIfExists(join(caDir, 'ca.key'));
  if (pem === undefined || keyPem === undefined) return undefined;
  const certificate = new x509.X509Certificate(pem);
  const isLong = certificate.notAfter.getTime() > nowMs + (APPS_DAYS + 1) * DAY_MS;
  if (!isLong || certificate.subject !== nameOf(baseDomain)) return undefined;
  const der = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
  return { certificate, key: await webcrypto.subtle.importKey('pkcs8', der, EC, false, ['sign']) };
}

function nameOf(baseDomain: string): string {
  return `CN=Slipway quickstart CA for ${baseDomain}`;
}

async function makeCa({ caDir, baseDomain, nowMs }: LocalCaOptions): Promise<Ca> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: nameOf(baseDomain),
    ...validity(nowMs, CA_DAYS),
    keys,
    signingAlgorithm: EC,
    extensions: [
      // It signs certificates of servers only, and only for names below the base domain.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.Extension('2.5.29.30', true, nameConstraints(baseDomain)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeFileAtomic(join(caDir, 'ca.key'), await privatePem(keys.privateKey), 0o600);
  await writeFileAtomic(join(caDir, 'ca.pem'), `${certificate.toString('pem')}\n`);
  return { certificate, key: keys.privateKey };
}

async function makeApps({ appsDir, baseDomain, nowMs }: LocalCaOptions, ca: Ca): Promise<void> {
  const keys = await newKeys();
  const names = [`*.${baseDomain}`, baseDomain].map((value) => ({ type: 'dns' as const, value }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=*.${baseDomain}`,
    issuer: ca.certificate.subject,
    ...validity(nowMs, APPS_DAYS),
    publicKey: keys.publicKey,
    signingKey: ca.key,
    signingAlgorithm: EC,
    extensions: [
      new x509.SubjectAlternativeNameExtension(names),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey),
    ],
  });
  await writeFileAtomic(join(appsDir, 'apps.key'), await privatePem(keys.privateKey), 0o600);
  await writeFileAtomic(join(appsDir, 'apps.pem'), `${certificate.toString('pem')}\n`);
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return String(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }));
}

/** The clock of a client may be late. */
function validity(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - 3_600_000), notAfter: new Date(nowMs - 3_600_000 + days * DAY_MS) };
}

/** Positive, and without zeros in front. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}
