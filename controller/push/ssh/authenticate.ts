import ssh2, { type AuthContext, type Connection, type PublicKeyAuthContext } from 'ssh2';
import type { Logger } from '../../../shared/kit/log.ts';
import type { GitUser, PushPolicy } from '../port.ts';
import { disconnectBecause, sendAuthBanner } from './auth-messages.ts';
import { keyFingerprint } from './fingerprint.ts';

/** The user of a connection and the key whose signature proved it. */
export interface Identity {
  readonly user: GitUser;
  readonly fingerprint: string;
}

export interface AuthDeps {
  readonly policy: PushPolicy;
  readonly log: Logger;
  /** Unknown keys of users who then logged in with another key. They get no hint. */
  readonly spareKeys: SpareKeys;
}

const METHODS = ['publickey'] as const;
/** OpenSSH allows 6. Users of many machines have more keys in their SSH agent. Each key costs one look-up here. */
const MAX_KEYS = 20;
/** Each key may be offered and signed, and a client begins with the method "none". */
const MAX_REQUESTS = 2 * MAX_KEYS + 2;
const MIN_RSA_BITS = 2048;
const KEY_TYPES: ReadonlySet<string> = new Set([
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
]);

/**
 * Authenticates one connection by public key only. `verified` is called once, with the key whose signature over the session of this
 * connection is valid. A key that was only offered (CVE-2024-45337) never becomes an identity.
 */
export function authenticate(connection: Connection, deps: AuthDeps, verified: (identity: Identity) => void): void {
  const attempt: Attempt = { requests: 0, failures: 0, unknown: [], done: false };
  connection.on('authentication', (context) => {
    attempt.requests += 1;
    if (attempt.requests > MAX_REQUESTS) {
      giveUp(connection);
      return;
    }
    decide(context, deps).then(
      (identity) => {
        settle({ connection, deps, attempt, verified }, context, identity);
      },
      (error: unknown) => {
        deps.log.error({ err: error }, 'ssh.auth_failed');
        connection.end();
      },
    );
  });
}

interface Attempt {
  requests: number;
  failures: number;
  readonly unknown: string[];
  done: boolean;
}

interface Settling {
  readonly connection: Connection;
  readonly deps: AuthDeps;
  readonly attempt: Attempt;
  readonly verified: (identity: Identity) => void;
}

/** Undefined when the request is not for a known and acceptable key. */
async function decide(context: AuthContext, deps: AuthDeps): Promise<Identity | undefined> {
  if (context.method !== 'publickey' || !isAcceptableKey(context)) return undefined;
  const fingerprint = keyFingerprint(context.key.data);
  const user = await deps.policy.userByFingerprint(fingerprint);
  return user === undefined ? undefined : { user, fingerprint };
}

function settle(
  { connection, deps, attempt, verified }: Settling,
  context: AuthContext,
  identity: Identity | undefined,
): void {
  if (attempt.done) return;
  if (identity === undefined || context.method !== 'publickey') {
    refuse({ connection, deps, attempt, verified }, context);
  } else if (context.signature === undefined) {
    context.accept(); // the client must sign next; this is no identity yet
  } else if (isSigned(context)) {
    attempt.done = true;
    deps.spareKeys.add(attempt.unknown);
    verified(identity);
    context.accept();
  } else {
    refuse({ connection, deps, attempt, verified }, context);
  }
}

function refuse({ connection, deps, attempt }: Settling, context: AuthContext): void {
  if (context.method === 'publickey') {
    const fingerprint = keyFingerprint(context.key.data);
    const first = attempt.unknown.length === 0;
    attempt.unknown.push(fingerprint);
    if (first && !deps.spareKeys.has(fingerprint)) sendAuthBanner(connection, unknownKeyHint(fingerprint));
  }
  if (context.method !== 'none') attempt.failures += 1;
  if (attempt.failures >= MAX_KEYS) giveUp(connection);
  else context.reject([...METHODS]);
}

function giveUp(connection: Connection): void {
  sendAuthBanner(connection, 'Name the right key in ~/.ssh/config: IdentityFile ~/.ssh/KEY and IdentitiesOnly yes');
  disconnectBecause(
    connection,
    `Slipway tried ${String(MAX_KEYS)} keys of this connection, which is the limit, and knows none of them`,
  );
}

function unknownKeyHint(fingerprint: string): string {
  return `Slipway does not know the key ${fingerprint}.\nAdd it with: slipway keys:add`;
}

/** True for an accepted key type whose blob has this type. RSA needs SHA-2 and a long key. */
function isAcceptableKey(context: PublicKeyAuthContext): boolean {
  const { algo, data } = context.key;
  if (!KEY_TYPES.has(algo)) return false;
  if (algo === 'ssh-rsa' && context.hashAlgo !== 'sha256' && context.hashAlgo !== 'sha512') return false;
  const key = parseBlob(data);
  return key?.type === algo && (algo !== 'ssh-rsa' || rsaBits(data) >= MIN_RSA_BITS);
}

function isSigned(context: PublicKeyAuthContext): boolean {
  const key = parseBlob(context.key.data);
  if (key === undefined || context.signature === undefined || context.blob === undefined) return false;
  // Despite its types, it returns an Error when it cannot verify.
  const verdict: unknown = key.verify(context.blob, context.signature, context.hashAlgo);
  return verdict === true;
}

function parseBlob(blob: Buffer): ssh2.ParsedKey | undefined {
  const parsed: ssh2.ParsedKey | ssh2.ParsedKey[] | Error = ssh2.utils.parseKey(blob);
  if (parsed instanceof Error) return undefined;
  return Array.isArray(parsed) ? (parsed as ssh2.ParsedKey[])[0] : parsed;
}

/** Size of the modulus: the third string of the blob (type, e, n). */
function rsaBits(blob: Buffer): number {
  let at = 0;
  let length = 0;
  for (let field = 0; field < 3; field += 1) {
    at += length;
    if (at + 4 > blob.length) return 0;
    length = blob.readUInt32BE(at);
    at += 4;
  }
  const leadingZero = blob[at] === 0 ? 1 : 0;
  return (Math.min(length, blob.length - at) - leadingZero) * 8;
}

/** A limited set of keys that SSH agents offer besides the registered one, so that their users do not get a hint each time. */
export class SpareKeys {
  readonly #fingerprints = new Set<string>();
  readonly #max = 1000;

  has(fingerprint: string): boolean {
    return this.#fingerprints.has(fingerprint);
  }

  add(fingerprints: readonly string[]): void {
    for (const fingerprint of fingerprints) {
      this.#fingerprints.add(fingerprint);
      const [oldest] = this.#fingerprints;
      if (this.#fingerprints.size > this.#max && oldest !== undefined) this.#fingerprints.delete(oldest);
    }
  }
}
