import { rm } from 'node:fs/promises';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { ConfigKeyStore, ConfigKeyUse } from '../store/config-key-port.ts';
import { KEY_CREDENTIAL, type KeyFile } from './key-file.ts';
import { newConfigKey, type ConfigKey, type Keyring } from './keyring.ts';

interface ConfigKeysDeps {
  readonly store: ConfigKeyStore;
  /** The keys that the store uses. */
  readonly keyring: Keyring;
  readonly keyFile: KeyFile;
  readonly failpoint: Failpoint;
  readonly log: Logger;
}

interface Rotation {
  /** The new key. */
  readonly keyId: string;
  /** How many stored texts were encrypted again: config vars, and configs of releases. */
  readonly encrypted: number;
  readonly keyFile: string;
}

/**
 * The keys of the config values. A rotation writes the new key into the key file first, then encrypts every value again, and removes the
 * old key last. So a crash at any moment leaves a key for every value, and the next start continues.
 */
export class ConfigKeys {
  readonly #deps: ConfigKeysDeps;
  #rotation: Promise<Rotation> | undefined;

  constructor(deps: ConfigKeysDeps) {
    this.#deps = deps;
  }

  /**
   * At the start of the controller: makes the key at the very first start, encrypts what has an old key or none, and removes old keys.
   * @throws SLIP_CONFIG_KEY_MISSING, SLIP_CONFIG_KEY_WRONG before it changes anything
   */
  async start(): Promise<void> {
    const { store, keyring, keyFile, failpoint, log } = this.#deps;
    const use = await store.configKeyUse();
    requireKeys(use, keyring, keyFile);
    if (keyring.current === undefined) {
      const key = newConfigKey();
      await keyFile.write([key]);
      keyring.replace([key]);
      log.info({ keyId: key.id, path: keyFile.path }, 'config_key.made');
      await failpoint('configKey.made');
    }
    const encrypted = await this.#encryptAll();
    if (encrypted > 0) log.info({ encrypted }, 'config_values.encrypted');
    if (use.clearText || keyring.keys.length > 1) await this.#scrub(use.clearText);
    await this.#retireOldKeys();
  }

  /** Makes a new key, and encrypts every value with it. A second call joins a rotation that runs. @throws SLIP_CONFIG_KEY_CREDENTIAL */
  async rotate(): Promise<Rotation> {
    if (this.#deps.keyFile.credential !== undefined) throw keyInCredential();
    this.#rotation ??= this.#rotate().finally(() => (this.#rotation = undefined));
    return await this.#rotation;
  }

  async #rotate(): Promise<Rotation> {
    const { keyring, keyFile, failpoint, log } = this.#deps;
    const key = newConfigKey();
    const keys: readonly ConfigKey[] = [key, ...keyring.keys];
    await keyFile.write(keys);
    await failpoint('configKey.added');
    keyring.replace(keys);
    const encrypted = await this.#encryptAll();
    await this.#scrub(false);
    await this.#retireOldKeys();
    log.info({ keyId: key.id, encrypted }, 'config_key.rotated');
    return { keyId: key.id, encrypted, keyFile: keyFile.path };
  }

  async #encryptAll(): Promise<number> {
    const { store, failpoint } = this.#deps;
    for (let encrypted = 0; ;) {
      const some = await store.encryptSome();
      if (some === 0) return encrypted;
      encrypted += some;
      await failpoint('configValues.encrypted');
    }
  }

  /** A failure does not stop the controller: the values are encrypted, and the next start tries again. */
  async #scrub(compact: boolean): Promise<void> {
    const { store, failpoint, log } = this.#deps;
    const err = await store.scrub(compact).then(
      (done) => (done ? undefined : new Error('another program reads the database')),
      (error: unknown) => error,
    );
    if (err !== undefined) log.warn({ err }, 'config_values.scrub_failed');
    await failpoint('configValues.scrubbed');
  }

  /** No stored value needs the old keys any more. A file beside a credential has only old keys. */
  async #retireOldKeys(): Promise<void> {
    const { keyring, keyFile, failpoint, log } = this.#deps;
    const [current, ...old] = keyring.keys;
    if (current === undefined || old.length === 0) return;
    if (keyFile.credential === undefined) await keyFile.write([current]);
    else await rm(keyFile.path, { force: true });
    keyring.replace([current]);
    log.info({ keyIds: old.map(({ id }) => id) }, 'config_key.retired');
    await failpoint('configKey.retired');
  }
}

/** A new key is made only when no stored value needs one. */
function requireKeys({ needed }: ConfigKeyUse, keyring: Keyring, { path, credential }: KeyFile): void {
  const missing = needed.filter((id) => keyring.find(id) === undefined);
  if (missing.length === 0) return;
  if (keyring.current === undefined) throw keyMissing(path);
  throw new SlipwayError({
    code: 'SLIP_CONFIG_KEY_WRONG',
    message: `The database has config values that need the key ${missing.join(' and ')}, but ${credential ?? path} has only ${keyring.keys.map(({ id }) => id).join(' and ')}.`,
    hint: `Restore the key file that belongs to this database. If you have both files, add the line of the missing key to the end of ${credential ?? path}. No value was changed.`,
  });
}

function keyMissing(path: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CONFIG_KEY_MISSING',
    message: `The database has encrypted config values, but their key ${path} is missing.`,
    hint: `Restore ${path} from its own backup, with mode 0600 and the owner of the database, or give it as the systemd credential ${KEY_CREDENTIAL}. Without this key the values cannot be read. No value was changed.`,
  });
}

function keyInCredential(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CONFIG_KEY_CREDENTIAL',
    kind: 'conflict',
    message: `The key of the config values is in the systemd credential ${KEY_CREDENTIAL}, which the controller cannot change.`,
    hint: 'Write a new first line into the credential (openssl rand -base64 32), keep the other lines, and restart the controller. It encrypts every value with the first key.',
    httpStatus: 409,
  });
}
