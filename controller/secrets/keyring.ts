import { createHash, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { SlipwayError } from '../../shared/kit/errors.ts';

const KEY_BYTES = 32;
/** 64 bits of a hash: enough to distinguish the keys of an installation. */
const KEY_ID_LETTERS = 16;

const HEADER = `# The keys of the config values in slipway.db. The first key encrypts, every key decrypts.
# Without its key a value is lost: keep a backup of this file, in another place than the backups of the database.
`;

/** A key of 256 bits. A KeyObject prints no secret. */
export interface ConfigKey {
  /** Made from the key, so a key that is not the right one has another id. */
  readonly id: string;
  readonly secret: KeyObject;
}

export function newConfigKey(): ConfigKey {
  return keyOf(randomBytes(KEY_BYTES));
}

/** The first key is the current one. It encrypts. The others decrypt what was written before a rotation. */
export class Keyring {
  #keys: readonly ConfigKey[];

  constructor(keys: readonly ConfigKey[] = []) {
    this.#keys = keys;
  }

  get current(): ConfigKey | undefined {
    return this.#keys[0];
  }

  get keys(): readonly ConfigKey[] {
    return this.#keys;
  }

  find(id: string): ConfigKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }

  replace(keys: readonly ConfigKey[]): void {
    this.#keys = keys;
  }
}

/**
 * One key on each line, in base64, as `openssl rand -base64 32` prints it. Lines with # are comments.
 * @throws SLIP_CONFIG_KEY_FILE
 */
export function parseKeyFile(text: string, path: string): readonly ConfigKey[] {
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => parseKey(line, path));
  if (keys.length === 0) throw keyFileDamaged(path, 'it has no key');
  return keys.filter((key, index) => keys.findIndex(({ id }) => id === key.id) === index);
}

export function renderKeyFile(keys: readonly ConfigKey[]): string {
  return `${HEADER}${keys.map(({ secret }) => `${secret.export().toString('base64')}\n`).join('')}`;
}

function parseKey(line: string, path: string): ConfigKey {
  const bytes = Buffer.from(line, 'base64');
  if (bytes.length === KEY_BYTES && bytes.toString('base64') === line) return keyOf(bytes);
  throw keyFileDamaged(path, `a line is not a key of ${String(KEY_BYTES)} bytes in base64`);
}

function keyOf(bytes: Buffer): ConfigKey {
  const id = createHash('sha256')
    .update('slipway config key id\0')
    .update(bytes)
    .digest('hex')
    .slice(0, KEY_ID_LETTERS);
  return { id, secret: createSecretKey(bytes) };
}

/** The message does not repeat the line, because the line can be a part of a key. */
function keyFileDamaged(path: string, finding: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CONFIG_KEY_FILE',
    message: `The key file ${path} cannot be used: ${finding}.`,
    hint: `Restore it from its backup to ${path}. Do not make a new key, because it cannot read the stored config values.`,
  });
}
