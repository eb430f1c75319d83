import { createHash, createHmac, createPublicKey, sign, type KeyObject } from 'node:crypto';

/** Signed requests (RFC 8555, 6.2), with ES256 (RFC 7518, 3.4). */

/** The public key in the form of RFC 7517, with the fields in the order that the thumbprint needs. */
interface Jwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** Who signs: by key until the account has a URL (`kid`), then by URL. */
interface Signer {
  readonly key: KeyObject;
  readonly accountUrl: string | undefined;
}

/** The key that a CA gave for the binding to an account there (RFC 8555, 7.3.4). */
export interface ExternalAccount {
  readonly keyId: string;
  /** Base64url. */
  readonly hmacKey: string;
}

/** @param payload undefined: POST-as-GET (RFC 8555, 6.3) */
export function signRequest(
  { key, accountUrl }: Signer,
  request: { readonly url: string; readonly nonce: string; readonly payload: object | undefined },
): Jws {
  const who = accountUrl === undefined ? { jwk: publicJwk(key) } : { kid: accountUrl };
  const header = { alg: 'ES256', ...who, nonce: request.nonce, url: request.url };
  const [head, payload] = [encode(header), request.payload === undefined ? '' : encode(request.payload)];
  const signature = sign('sha256', Buffer.from(`${head}.${payload}`), { key, dsaEncoding: 'ieee-p1363' });
  return { protected: head, payload, signature: signature.toString('base64url') };
}

export function bindExternalAccount(key: KeyObject, { keyId, hmacKey }: ExternalAccount, url: string): Jws {
  const [head, payload] = [encode({ alg: 'HS256', kid: keyId, url }), encode(publicJwk(key))];
  const hmac = createHmac('sha256', Buffer.from(hmacKey, 'base64url'));
  return { protected: head, payload, signature: hmac.update(`${head}.${payload}`).digest('base64url') };
}

/** RFC 7638. An HTTP-01 answer is the token, a dot and this (RFC 8555, 8.1). */
export function accountThumbprint(key: KeyObject): string {
  return createHash('sha256')
    .update(JSON.stringify(publicJwk(key)))
    .digest('base64url');
}

function publicJwk(key: KeyObject): Jwk {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' });
  if (crv !== 'P-256' || kty !== 'EC' || x === undefined || y === undefined) {
    throw new Error('the key of an ACME account must be ECDSA P-256');
  }
  return { crv, kty, x, y };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
