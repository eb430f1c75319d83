import { revealAll, type ConfigVars } from '../../../shared/kit/sensitive.ts';
import type { ConfigCipher } from '../../secrets/config-cipher.ts';
import type { Release } from '../../domain/releases.ts';
import { parseRow, releaseRow } from './rows.ts';

/** The columns of an encrypted config of a release. */
interface SealedConfig {
  readonly config: string;
  readonly configKeyId: string | null;
}

type ReleaseColumns = SealedConfig & { readonly appId: string; readonly version: number };

/** Decrypts the config of each row, and checks the row. @throws SLIP_CONFIG_DECRYPT, SLIP_STORE_ROW */
export function parseReleases(cipher: ConfigCipher, rows: readonly ReleaseColumns[]): readonly Release[] {
  return rows.map(({ configKeyId, ...row }) => {
    const config = cipher.open({ keyId: configKeyId, text: row.config }, { appId: row.appId, version: row.version });
    return parseRow(releaseRow, { ...row, config });
  });
}

export function parseReleaseIfAny(cipher: ConfigCipher, row: ReleaseColumns | undefined): Release | undefined {
  return row === undefined ? undefined : parseReleases(cipher, [row])[0];
}

/** One encrypted text for all variables of the release. */
export function sealReleaseConfig(
  cipher: ConfigCipher,
  release: { readonly appId: string; readonly version: number; readonly config: ConfigVars },
): SealedConfig {
  const { keyId, text } = cipher.seal(JSON.stringify(revealAll(release.config)), release);
  return { config: text, configKeyId: keyId };
}
