import type { ServerConfig } from 'ssh2';

/**
 * The offered algorithms, best first. ssh2 itself adds strict key exchange (`kex-strict-s-v00@openssh.com`), which prevents Terrapin. No SHA-1, no CBC,
 * no finite-field groups under 3072 bits, no ChaCha20 (AES-GCM is faster with Node's OpenSSL and needs no MAC), no compression before or
 * after authentication (packs are compressed already).
 */
export const ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
  ],
  serverHostKey: ['ssh-ed25519'],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} as const satisfies Record<keyof NonNullable<ServerConfig['algorithms']>, readonly string[]>;
