import { join } from 'node:path';
import ssh2 from 'ssh2';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { keyFingerprint } from './fingerprint.ts';

export interface HostKey {
  readonly privateKey: string;
  /** `SHA256:…`, as ssh shows it on the first connection. */
  readonly fingerprint: string;
  /** `ssh-ed25519 AAAA…`: what goes into known_hosts after the host's name. */
  readonly publicKey: string;
}

const FILE = 'ssh_host_ed25519_key';

/** Reads the host key from the state folder. The first start creates it. @throws SLIP_PUSH_HOST_KEY when the file is damaged */
export async function loadHostKey(stateDir: string): Promise<HostKey> {
  const path = join(stateDir, FILE);
  const privateKey = (await readFileIfExists(path)) ?? (await makeHostKey(stateDir, path));
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error || Array.isArray(parsed) || parsed.type !== 'ssh-ed25519') {
    throw new SlipwayError({
      code: 'SLIP_PUSH_HOST_KEY',
      message: `The SSH host key in ${path} cannot be read.`,
      hint: 'Restore it from a backup. If you delete it, the controller makes a new key, and every client must accept the new key.',
      cause: parsed,
    });
  }
  const blob = parsed.getPublicSSH();
  return { privateKey, fingerprint: keyFingerprint(blob), publicKey: `ssh-ed25519 ${blob.toString('base64')}` };
}

async function makeHostKey(stateDir: string, path: string): Promise<string> {
  await ensureDir(stateDir, 0o700);
  const privateKey = generateSoundKey(() => ssh2.utils.generateKeyPairSync('ed25519', { comment: 'slipway' }).private);
  await writeFileAtomic(path, privateKey, 0o600);
  return privateKey;
}

/** One key in 256 has a leading zero byte, which ssh2 drops when it writes the file. Such a file cannot be read again. */
export function generateSoundKey(generate: () => string): string {
  for (let tries = 0; tries < 20; tries += 1) {
    const privateKey = generate();
    if (!(ssh2.utils.parseKey(privateKey) instanceof Error)) return privateKey;
  }
  throw new SlipwayError({
    code: 'SLIP_PUSH_HOST_KEY',
    kind: 'bug',
    message: 'No readable SSH host key could be made.',
  });
}
