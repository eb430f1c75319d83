import { createHash, createPublicKey } from 'node:crypto';
import ssh2 from 'ssh2';
import { SlipwayError } from '../../shared/kit/errors.ts';

export interface PublicKey {
  /** `SHA256:` and 43 characters of base64, as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  /** `ssh-ed25519 AAAA…`, without the comment. */
  readonly publicKey: string;
  readonly comment: string;
}

const KEY_TYPES: ReadonlySet<string> = new Set([
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
]);
const RSA_BITS_MIN = 2048;
const TEXT_MAX = 20_000;
const PRIVATE = /PRIVATE KEY|PuTTY-User-Key-File/i;

/**
 * Reads one line of an OpenSSH public key file. An error never contains the input, because it may be a secret.
 * @throws SLIP_KEY_PRIVATE, SLIP_KEY_INVALID, SLIP_KEY_WEAK
 */
export function parsePublicKey(text: string): PublicKey {
  if (PRIVATE.test(text)) throw privateKey();
  const line = text.trim();
  if (line === '' || line.length > TEXT_MAX || /[\r\n]/.test(line)) throw invalid('exactly one line is needed');
  const [type = '', blob = '', ...words] = line.split(/\s+/);
  if (type.startsWith('sk-')) throw invalid('keys held by a security token cannot be used yet');
  if (type === 'ssh-dss') throw weak('DSA keys are broken');
  if (!KEY_TYPES.has(type)) throw invalid('it does not start with a known key type');
  const ssh = decode(type, blob);
  return {
    fingerprint: fingerprintOf(ssh),
    publicKey: `${type} ${ssh.toString('base64')}`,
    comment: printable(words.join(' ')).slice(0, 200),
  };
}

/** As ssh-keygen prints it. */
export function fingerprintOf(keyBlob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(keyBlob).digest('base64').replace(/=+$/, '')}`;
}

function decode(type: string, blob: string): Buffer {
  const parsed = ssh2.utils.parseKey(`${type} ${blob}`);
  if (parsed instanceof Error) throw invalid('its data is incomplete or damaged');
  if (parsed.isPrivateKey()) throw privateKey();
  if (parsed.type !== type) throw invalid('its type and its data do not agree');
  if (type === 'ssh-rsa' && rsaBits(parsed.getPublicPEM()) < RSA_BITS_MIN)
    throw weak(`RSA keys need ${RSA_BITS_MIN} bits or more`);
  return parsed.getPublicSSH();
}

function rsaBits(pem: string): number {
  return createPublicKey(pem).asymmetricKeyDetails?.modulusLength ?? 0;
}

/** Terminals show the comment, so it must not contain control characters. */
function printable(text: string): string {
  return text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '');
}

function privateKey(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_KEY_PRIVATE',
    httpStatus: 422,
    message: 'This is a private key. It was not stored.',
    hint: 'Use the public key, the file that ends in .pub. If the private key was sent over a network, make a new pair: ssh-keygen -t ed25519',
  });
}

function invalid(why: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_KEY_INVALID',
    httpStatus: 422,
    message: `This is not a public SSH key that Slipway can use: ${why}.`,
    hint: 'Use one line, for example the content of ~/.ssh/id_ed25519.pub. Make a pair with: ssh-keygen -t ed25519',
  });
}

function weak(why: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_KEY_WEAK',
    httpStatus: 422,
    message: `This SSH key is too weak: ${why}.`,
    hint: 'Make a better pair with: ssh-keygen -t ed25519',
  });
}

export function keyTaken(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_KEY_TAKEN',
    kind: 'conflict',
    message: 'This SSH key is already registered.',
    hint: 'A key belongs to one user. See your keys with: slipway keys — or make a new key with: ssh-keygen -t ed25519',
  });
}
