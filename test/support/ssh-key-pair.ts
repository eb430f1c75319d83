import ssh2 from 'ssh2';

/** An Ed25519 pair. One in 256 of ssh2's has a leading zero byte that it drops while writing, and cannot be read again. */
export function sshKeyPair(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    const parsed = [pair.private, pair.public].map((key): unknown => ssh2.utils.parseKey(key));
    if (!parsed.some((key) => key instanceof Error)) return pair;
  }
}
