import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import type { ConfigCipher, Place } from '../../secrets/config-cipher.ts';
import type { Keyring } from '../../secrets/keyring.ts';
import type { ConfigKeyStore } from '../config-key-port.ts';
import { acmeKeyIds, encryptAcmeKeys } from './acme-keys.ts';
import { placeOfBuildpacks } from './build-settings.ts';
import { placeOfChunk } from './outputs.ts';
import type { RepositoryDeps } from './repository.ts';
import { placeOfKey } from './tls-certificates.ts';
import { parseRows } from './rows.ts';
import type { StoreDatabase, Tx } from './schema.ts';

/** Rows of one transaction. A config of a release has at most 64 KiB. */
const VARS_AT_ONCE = 200;
const RELEASES_AT_ONCE = 40;
/** Most chunks of output have at most 16 KiB. Those of an older version have up to 1 MiB, so their bytes are limited too. */
const CHUNKS_AT_ONCE = 40;
const CHUNK_BYTES_AT_ONCE = 1024 * 1024;

const varColumns = z.object({ appId: z.string(), name: z.string(), value: z.string(), keyId: z.string().nullable() });
const releaseColumns = z.object({
  appId: z.string(),
  version: z.number(),
  config: z.string(),
  configKeyId: z.string().nullable(),
});
const sealedColumns = { appId: z.string(), text: z.string(), keyId: z.string().nullable() };
const settingColumns = z.object(sealedColumns);
const privateKeyColumns = z.object({ id: z.string(), text: z.string(), keyId: z.string() });
const chunkSize = z.object({ seq: z.number(), bytes: z.number() });
const chunkColumns = z.object({
  ...{ ...sealedColumns, seq: z.number() },
  ...{ taskId: z.string().nullable(), version: z.number().nullable() },
});
const checkpointResult = z.object({ busy: z.number() });

export function createConfigKeys(
  { inTransaction, cipher }: RepositoryDeps,
  { db, keyring }: { readonly db: StoreDatabase; readonly keyring: Keyring },
): ConfigKeyStore {
  return {
    configKeyUse: () =>
      inTransaction(async (tx) => {
        const { clearText } = await tx.selectFrom('controller').select('clearText').executeTakeFirstOrThrow();
        return { needed: await neededKeys(tx), clearText: clearText === 1 };
      }),
    encryptSome: () =>
      inTransaction(async (tx) => {
        const current = keyring.current?.id ?? '';
        for (const encrypt of ENCRYPTIONS) {
          const some = await encrypt(tx, cipher, current);
          if (some > 0) return some;
        }
        return 0;
      }),
    scrub: async (compact) => {
      if (compact) await sql`vacuum`.execute(db);
      const { rows } = await sql`pragma wal_checkpoint(truncate)`.execute(db);
      const done = parseRows(checkpointResult, rows).every(({ busy }) => busy === 0);
      if (compact && done) await inTransaction((tx) => tx.updateTable('controller').set({ clearText: 0 }).execute());
      return done;
    },
  };
}

async function neededKeys(tx: Tx): Promise<readonly string[]> {
  const vars = await tx.selectFrom('configVars').select('keyId').distinct().execute();
  const releases = await tx.selectFrom('releases').select('configKeyId').distinct().execute();
  const chunks = await tx.selectFrom('outputChunks').select('keyId').distinct().execute();
  const settings = await tx.selectFrom('buildSettings').select('buildpacksKeyId as keyId').distinct().execute();
  const privateKeys = await tx.selectFrom('tlsCertificates').select('keyId').distinct().execute();
  const ids = [
    ...[...vars, ...chunks, ...settings, ...privateKeys].map(({ keyId }) => keyId),
    ...releases.map(({ configKeyId }) => configKeyId),
    ...(await acmeKeyIds(tx)),
  ];
  return [...new Set(ids.filter((id) => id !== null))].sort();
}

/** With "is not", SQLite would read every row. These three conditions use the index. */
function hasOtherKey(column: RawBuilder<unknown>, current: string): RawBuilder<unknown> {
  return sql`${column} is null or ${column} < ${current} or ${column} > ${current}`;
}

async function encryptVars(tx: Tx, cipher: ConfigCipher, current: string): Promise<number> {
  const found = await sql`select app_id, name, value, key_id from config_vars
    where ${hasOtherKey(sql`key_id`, current)} limit ${VARS_AT_ONCE}`.execute(tx);
  const rows = parseRows(varColumns, found.rows);
  for (const { appId, name, value, keyId } of rows) {
    const sealed = resealed(cipher, { keyId, text: value }, { appId, name });
    await tx
      .updateTable('configVars')
      .set({ value: sealed.text, keyId: sealed.keyId })
      .where('appId', '=', appId)
      .where('name', '=', name)
      .execute();
  }
  return rows.length;
}

async function encryptReleases(tx: Tx, cipher: ConfigCipher, current: string): Promise<number> {
  const found = await sql`select app_id, version, config, config_key_id from releases
    where ${hasOtherKey(sql`config_key_id`, current)} limit ${RELEASES_AT_ONCE}`.execute(tx);
  const rows = parseRows(releaseColumns, found.rows);
  for (const { appId, version, config, configKeyId } of rows) {
    const sealed = resealed(cipher, { keyId: configKeyId, text: config }, { appId, version });
    await tx
      .updateTable('releases')
      .set({ config: sealed.text, configKeyId: sealed.keyId })
      .where('appId', '=', appId)
      .where('version', '=', version)
      .execute();
  }
  return rows.length;
}

async function encryptChunks(tx: Tx, cipher: ConfigCipher, current: string): Promise<number> {
  const sizes = await sql`select seq, bytes from output_chunks
    where ${hasOtherKey(sql`key_id`, current)} limit ${CHUNKS_AT_ONCE}`.execute(tx);
  const some = firstChunks(parseRows(chunkSize, sizes.rows));
  if (some.length === 0) return 0;
  const found = await sql`select seq, app_id, task_id, version, text, key_id from output_chunks
    where seq in (${sql.join(some)})`.execute(tx);
  const rows = parseRows(chunkColumns, found.rows);
  for (const { seq, ...chunk } of rows) {
    const sealed = resealed(cipher, chunk, placeOfChunk(chunk));
    await tx.updateTable('outputChunks').set(sealed).where('seq', '=', seq).execute();
  }
  return rows.length;
}

/** A chunk that is larger than the limit comes alone. */
function firstChunks(sizes: readonly z.output<typeof chunkSize>[]): readonly number[] {
  let total = 0;
  const fits = sizes.filter(({ bytes }, at) => (total += bytes) <= CHUNK_BYTES_AT_ONCE || at === 0);
  return fits.map(({ seq }) => seq);
}

async function encryptBuildpacks(tx: Tx, cipher: ConfigCipher, current: string): Promise<number> {
  const found = await sql`select app_id, buildpacks as text, buildpacks_key_id as key_id from build_settings
    where ${hasOtherKey(sql`buildpacks_key_id`, current)} limit ${VARS_AT_ONCE}`.execute(tx);
  const rows = parseRows(settingColumns, found.rows);
  for (const { appId, ...setting } of rows) {
    const { text: buildpacks, keyId: buildpacksKeyId } = resealed(cipher, setting, placeOfBuildpacks(appId));
    await tx.updateTable('buildSettings').set({ buildpacks, buildpacksKeyId }).where('appId', '=', appId).execute();
  }
  return rows.length;
}

/** The key of a certificate was never stored in clear text. */
async function encryptPrivateKeys(tx: Tx, cipher: ConfigCipher, current: string): Promise<number> {
  const found = await sql`select id, private_key as text, key_id from tls_certificates
    where ${hasOtherKey(sql`key_id`, current)} limit ${VARS_AT_ONCE}`.execute(tx);
  const rows = parseRows(privateKeyColumns, found.rows);
  for (const { id, ...key } of rows) {
    const { text: privateKey, keyId } = resealed(cipher, key, placeOfKey(id));
    await tx.updateTable('tlsCertificates').set({ privateKey, keyId }).where('id', '=', id).execute();
  }
  return rows.length;
}

const ENCRYPTIONS = [
  encryptVars,
  encryptReleases,
  encryptChunks,
  encryptBuildpacks,
  encryptPrivateKeys,
  encryptAcmeKeys,
];

/** The value stays the same, whatever key it had. */
function resealed(
  cipher: ConfigCipher,
  { keyId, text }: { readonly keyId: string | null; readonly text: string },
  place: Place,
): { readonly keyId: string; readonly text: string } {
  return cipher.seal(keyId === null ? text : cipher.open({ keyId, text }, place), place);
}
