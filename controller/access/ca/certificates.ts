import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import * as x509 from '../../../shared/kit/x509.ts';
import type { NodeId } from '../../../shared/domain/ids.ts';
import { meshNameOf } from '../../../shared/domain/fleet-routes.ts';

/** ECDSA P-256: every TLS library supports it, and keys and signatures are small. */
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** Clocks of a fleet differ. A new certificate must already be valid by the clock of its node. */
const CLOCK_SKEW_MS = 5 * 60_000;

export interface KeyAndCertificate {
  readonly key: webcrypto.CryptoKey;
  readonly certificate: x509.X509Certificate;
}

interface Validity {
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** 32 hex digits in lower case. The first byte is 0x40–0x7f, so the number is positive and has no padding. */
export function newSerial(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}

export function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

export async function selfSignCa(validity: Validity): Promise<KeyAndCertificate> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: 'CN=Slipway fleet CA',
    ...dates(validity),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: keys.privateKey, certificate };
}

/** @param server.former its key is kept, because the install lines that contain tokens name this key */
export async function issueServer(
  ca: KeyAndCertificate,
  server: { readonly names: readonly string[]; readonly former: KeyAndCertificate | undefined },
  validity: Validity,
): Promise<KeyAndCertificate> {
  const { names, former } = server;
  const { key, publicKey } =
    former === undefined ? await newKey() : { ...former, publicKey: former.certificate.publicKey };
  const certificate = await sign(ca, {
    publicKey,
    subject: 'CN=slipway-controller',
    serial: newSerial(),
    usages: [x509.ExtendedKeyUsage.serverAuth],
    names: names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name })),
    validity,
  });
  return { key, certificate };
}

async function newKey(): Promise<{ key: webcrypto.CryptoKey; publicKey: x509.PublicKey }> {
  const keys = await generateKeys();
  return {
    key: keys.privateKey,
    publicKey: new x509.PublicKey(await webcrypto.subtle.exportKey('spki', keys.publicKey)),
  };
}

/** For both ends of a mesh connection. No server of the controller has this name. */
export async function issueNodeCertificate(
  ca: KeyAndCertificate,
  node: { csr: x509.Pkcs10CertificateRequest; nodeId: NodeId; serial: string },
  validity: Validity,
): Promise<x509.X509Certificate> {
  return await sign(ca, {
    publicKey: node.csr.publicKey,
    subject: `CN=${node.nodeId}`,
    serial: node.serial,
    usages: [x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth],
    names: [
      { type: 'url', value: nodeUri(node.nodeId) },
      { type: 'dns', value: meshNameOf(node.nodeId) },
    ],
    validity,
  });
}

export function nodeUri(nodeId: NodeId): string {
  return `slipway://fleet/node/${nodeId}`;
}

/** @throws SLIP_CSR_INVALID */
export async function readRequest(csrPem: string): Promise<x509.Pkcs10CertificateRequest> {
  try {
    const csr = new x509.Pkcs10CertificateRequest(csrPem);
    // Only the key is used. It must be of our own type, and the sender must have its private key.
    if (isSupportedKey(csr.publicKey) && (await csr.verify())) return csr;
  } catch (cause) {
    throw badRequest(cause);
  }
  throw badRequest(undefined);
}

/** `sha256:` and the hex SHA-256 of the public key. */
export function pinOf(certificate: x509.X509Certificate): string {
  return `sha256:${keyHash(certificate)}`;
}

/** Hex SHA-256 of the public key of a certificate or a request. */
export function keyHash(certified: { readonly publicKey: x509.PublicKey }): string {
  return createHash('sha256').update(new Uint8Array(certified.publicKey.rawData)).digest('hex');
}

interface Leaf {
  readonly publicKey: x509.PublicKey;
  readonly subject: string;
  readonly serial: string;
  readonly usages: x509.ExtendedKeyUsage[];
  readonly names: x509.JsonGeneralNames;
  readonly validity: Validity;
}

async function sign(ca: KeyAndCertificate, leaf: Leaf): Promise<x509.X509Certificate> {
  return await x509.X509CertificateGenerator.create({
    serialNumber: leaf.serial,
    subject: leaf.subject,
    issuer: ca.certificate.subject,
    ...dates(leaf.validity),
    signingAlgorithm: SIGNING_ALGORITHM,
    publicKey: leaf.publicKey,
    signingKey: ca.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(leaf.usages, true),
      new x509.SubjectAlternativeNameExtension(leaf.names),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey),
    ],
  });
}

function dates({ nowMs, lifetimeMs }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - CLOCK_SKEW_MS), notAfter: new Date(nowMs + lifetimeMs) };
}

function isSupportedKey(key: x509.PublicKey): boolean {
  const algorithm = key.algorithm as { name: string; namedCurve?: string };
  return algorithm.name === 'ECDSA' && ['P-256', 'P-384'].includes(algorithm.namedCurve ?? '');
}

function badRequest(cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CSR_INVALID',
    httpStatus: 422,
    message: 'Slipway cannot sign this certificate request.',
    hint: 'It must be a PEM PKCS#10 request for an ECDSA P-256 key, signed by that key.',
    cause,
  });
}
