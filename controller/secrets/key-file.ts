import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { parseKeyFile, renderKeyFile, type ConfigKey } from './keyring.ts';

/** The name of the systemd credential, for LoadCredential and LoadCredentialEncrypted. */
export const KEY_CREDENTIAL = 'slipway-config-key';

/** The place of the keys of the config values. */
export interface KeyFile {
  /** In the state folder, with mode 0600. */
  readonly path: string;
  /** The systemd credential that has keys; undefined: the file has them. The controller cannot change a credential. */
  readonly credential: string | undefined;
  /** The keys of the credential, then the keys of the file. */
  readonly keys: readonly ConfigKey[];
  /** Replaces the whole file or nothing. */
  write(keys: readonly ConfigKey[]): Promise<void>;
}

/** @throws SLIP_CONFIG_KEY_FILE */
export async function openKeyFile(path: string, env: Readonly<Record<string, string | undefined>>): Promise<KeyFile> {
  const folder = env['CREDENTIALS_DIRECTORY'];
  const credentialPath = folder === undefined || folder === '' ? undefined : join(folder, KEY_CREDENTIAL);
  const [inCredential, inFile] = [
    credentialPath === undefined ? undefined : await readKeys(credentialPath),
    await readKeys(path),
  ];
  if (inFile !== undefined) await chmod(path, 0o600);
  return {
    path,
    credential: inCredential === undefined ? undefined : credentialPath,
    keys: [...(inCredential ?? []), ...(inFile ?? [])],
    write: (keys) => writeFileAtomic(path, renderKeyFile(keys), 0o600),
  };
}

async function readKeys(path: string): Promise<readonly ConfigKey[] | undefined> {
  const text = await readFileIfExists(path);
  return text === undefined ? undefined : parseKeyFile(text, path);
}
