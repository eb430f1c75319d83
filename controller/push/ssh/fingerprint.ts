import { createHash } from 'node:crypto';

/** OpenSSH's name for a public key blob: `SHA256:` and unpadded base64. */
export function keyFingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
