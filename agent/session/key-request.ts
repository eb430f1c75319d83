import { webcrypto } from 'node:crypto';
import * as x509 from '../../shared/kit/x509.ts';

export interface KeyRequest {
  /** PKCS#8 PEM. Secret; never leaves the node. */
  readonly keyPem: string;
  /** PKCS#10 PEM. */
  readonly csrPem: string;
}

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** A new ECDSA P-256 key and its certificate request. The CA decides about the content of the certificate. */
export async function createKeyRequest(name: string): Promise<KeyRequest> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`, csrPem: await csr(keys, name) };
}

/** A certificate request for an existing key. @throws Error when the PEM is not an ECDSA P-256 key */
export async function requestFor(keyPem: string, name: string): Promise<string> {
  const der = x509.PemConverter.decodeFirst(keyPem);
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, CURVE, true, ['sign']);
  const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', privateKey);
  const jwk = { kty, crv, x, y } as webcrypto.JsonWebKey;
  const publicKey = await webcrypto.subtle.importKey('jwk', jwk, CURVE, true, ['verify']);
  return await csr({ privateKey, publicKey }, name);
}

async function csr(keys: webcrypto.CryptoKeyPair, name: string): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: SIGNING,
  });
  return `${request.toString('pem')}\n`;
}
