import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import ssh2 from 'ssh2';
import { parsePublicKey } from '../../../../controller/access/ssh-keys.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { sshKeyPair } from '../../../support/ssh-key-pair.ts';

const ed25519 = sshKeyPair();

function refusal(text: string): SlipwayError {
  try {
    parsePublicKey(text);
  } catch (error) {
    assert.ok(error instanceof SlipwayError);
    return error;
  }
  return assert.fail('it was accepted');
}

/** ssh2 makes no RSA key this small, so the blob is written by hand. */
function rsaLine(bits: number): string {
  const jwk = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' });
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
  const number = (base64: string) => field(Buffer.concat([Buffer.from([0]), Buffer.from(base64, 'base64url')]));
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), field(Buffer.from(jwk.e!, 'base64url')), number(jwk.n!)]);
  return `ssh-rsa ${blob.toString('base64')}`;
}

describe('public SSH keys', () => {
  it('gives fingerprint, key and comment as ssh-keygen shows them', () => {
    const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@laptop';
    const key = parsePublicKey(`  ${line}\n`);
    assert.equal(key.fingerprint, 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
    assert.equal(key.comment, 'ada@laptop');
    assert.equal(`${key.publicKey} ada@laptop`, line);
  });

  it('takes ECDSA and strong RSA keys', () => {
    for (const bits of [256, 384, 521] as const)
      parsePublicKey(ssh2.utils.generateKeyPairSync('ecdsa', { bits }).public);
    assert.match(parsePublicKey(rsaLine(2048)).publicKey, /^ssh-rsa /);
  });

  it('refuses a private key and does not repeat it', () => {
    for (const text of [ed25519.private, 'PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nsecret']) {
      const error = refusal(text);
      assert.equal(error.code, 'SLIP_KEY_PRIVATE');
      const secret = text.split('\n')[1]!;
      assert.ok(!JSON.stringify([error.message, error.hint, error.details]).includes(secret));
    }
  });

  it('refuses weak keys', () => {
    assert.equal(refusal(rsaLine(1024)).code, 'SLIP_KEY_WEAK');
    assert.equal(refusal('ssh-dss AAAAB3NzaC1kc3MAAACBAP').code, 'SLIP_KEY_WEAK');
  });

  it('refuses a text that is not a key, two keys, cut keys and keys of another type', () => {
    const [type, blob] = ed25519.public.split(' ') as [string, string];
    const bad = [
      '',
      'hello',
      `${ed25519.public}\n${ed25519.public}`,
      `${type} ${blob.slice(0, 40)}`,
      `ssh-rsa ${blob}`,
      type,
      'x'.repeat(30_000),
    ];
    for (const text of [...bad, `command="rm" ${ed25519.public}`, 'sk-ssh-ed25519@openssh.com AAAA']) {
      assert.equal(refusal(text).code, 'SLIP_KEY_INVALID', text.slice(0, 50));
    }
  });

  it('keeps control characters out of the comment', () => {
    assert.equal(parsePublicKey(`${ed25519.public.trim()} a\u001b]0;x\u0007b`).comment, 'a]0;xb');
  });
});
