import { createHash, randomBytes } from 'node:crypto';
import { Sensitive } from '../../shared/kit/sensitive.ts';

export interface NewToken {
  /** Shown once, never stored. */
  readonly secret: Sensitive;
  /** Hex SHA-256 of the secret, for the database. A salt is not needed, because the secret has 256 random bits. */
  readonly secretHash: string;
}

/** An API token of a user. Secret scanners find leaked tokens by the prefix. */
export function newApiToken(): NewToken {
  return newToken('slip_');
}

/** A token with which one node can join, once. */
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
