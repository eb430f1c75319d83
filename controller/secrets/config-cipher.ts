import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { ConfigKey, Keyring } from './keyring.ts';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** An encrypted text, as the database has it. */
interface SealedText {
  /** Null: the text is not encrypted yet. An older version of Slipway wrote it. */
  readonly keyId: string | null;
  /** Base64 of the initialisation vector, the encrypted text and the authentication tag. */
  readonly text: string;
}

/**
 * The row that a text belongs to: authenticated, and not stored with the text. So a text that was copied to another row does not
 * decrypt.
 */
export type Place =
  | { readonly appId: string; readonly name: string }
  | { readonly appId: string; readonly version: number }
  /** The id of a command, or `v3` for a release. */
  | { readonly appId: string; readonly output: string }
  | { readonly appId: string; readonly setting: 'buildpacks' }
  /** A private key or another secret for an ACME CA. It belongs to no app. */
  | { readonly acmeKey: string }
  /** The private key of a certificate with this id. */
  | { readonly certificate: string };

/** AES-256-GCM with a random initialisation vector for each text. */
export interface ConfigCipher {
  /** @throws SLIP_CONFIG_KEY_ABSENT */
  seal(text: string, place: Place): { readonly keyId: string; readonly text: string };
  /** @throws SLIP_CONFIG_DECRYPT */
  open(sealed: SealedText, place: Place): string;
}

export function createConfigCipher(keyring: Keyring): ConfigCipher {
  return {
    seal: (text, place) => {
      const key = requireCurrent(keyring);
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, key.secret, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(associatedData(key.id, place));
      const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return { keyId: key.id, text: sealed.toString('base64') };
    },
    open: ({ keyId, text }, place) => {
      const key = keyId === null ? undefined : keyring.find(keyId);
      if (key === undefined) throw cannotDecrypt(place);
      return decrypt(key, text, place);
    },
  };
}

function decrypt(key: ConfigKey, text: string, place: Place): string {
  const sealed = Buffer.from(text, 'base64');
  if (sealed.length < IV_BYTES + TAG_BYTES) throw cannotDecrypt(place);
  const decipher = createDecipheriv(ALGORITHM, key.secret, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(key.id, place));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch (cause) {
    throw cannotDecrypt(place, cause);
  }
}

/** JSON separates the fields, so two places never have the same data. */
function associatedData(keyId: string, place: Place): Buffer {
  const [kind, row] = kindOf(place);
  return Buffer.from(JSON.stringify([`slipway ${kind}`, keyId, appIdOf(place), row]));
}

function appIdOf(place: Place): string {
  return 'appId' in place ? place.appId : '';
}

/** Databases have texts with these words, so they must not change. */
function kindOf(place: Place): readonly [string, string | number] {
  if ('acmeKey' in place) return ['acme key', place.acmeKey];
  if ('name' in place) return ['config var', place.name];
  if ('version' in place) return ['release config', place.version];
  if ('certificate' in place) return ['private key', place.certificate];
  return 'output' in place ? ['output', place.output] : ['setting', place.setting];
}

function requireCurrent(keyring: Keyring): ConfigKey {
  if (keyring.current !== undefined) return keyring.current;
  throw new SlipwayError({
    code: 'SLIP_CONFIG_KEY_ABSENT',
    kind: 'bug',
    message: 'The database was opened without the key of the config values.',
  });
}

function cannotDecrypt(place: Place, cause?: unknown): SlipwayError {
  const [kind, row] = kindOf(place);
  const what = kind === 'release config' ? `The config of release v${String(row)}` : `The ${kind} ${String(row)}`;
  return new SlipwayError({
    code: 'SLIP_CONFIG_DECRYPT',
    kind: 'bug',
    message: `${what}${'appId' in place ? ` of the app with the id ${place.appId}` : ''} cannot be decrypted. The row or its key was changed.`,
    hint: 'If the database was edited by hand, restore the latest backup together with its key file.',
    cause,
  });
}
