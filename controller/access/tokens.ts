import { createHash, randomBytes } from 'node:crypto';
import { Sensitive } from '../../shared/kit/sensitive.ts';

export interface NewToken {
  /** Shown once, never stored. */
  readonly secret: Sensitive;
  /** What the store keeps: SHA-256 of the secret, hex. No salt is needed: the secret has 256 bits of chance. */
  readonly secretHash: string;
}

/** A person's or a script's key to the API. The prefix lets secret scanners find leaked ones. */
export function newApiToken(): NewToken {
  return newToken('slip_');
}

/** Lets one node join, once. */
export function newJoinToken(): NewToken {
  return newToken('slipjoin_');
}

export function hashToken(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The token of `Authorization: Bearer …`; undefined when the header is absent or of another form. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9_-]{20,200})$/i.exec(header ?? '')?.[1];
}

function newToken(prefix: string): NewToken {
  const secret = `${prefix}${randomBytes(32).toString('base64url')}`;
  return { secret: new Sensitive(secret), secretHash: hashToken(secret) };
}
