import { sql } from 'kysely';
import { z } from 'zod';
import type { AppId, CertificateId, UserId } from '../../../shared/domain/ids.ts';
import { isId } from '../../../shared/domain/ids.ts';
import type { Quotas } from '../../../shared/domain/quota.ts';
import { CERTIFICATES_BYTES_MAX } from '../../../shared/domain/fleet-routes-size.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import { CERTIFICATE_KINDS, type Certificate, type NewCertificate } from '../../domain/certificates.ts';
import type { Place } from '../../secrets/config-cipher.ts';
import type { CertificateStore } from '../certificate-port.ts';
import { insertIssued, removeHolders } from './issued-certificates.ts';
import { listOf } from './list-of.ts';
import { requireQuota } from './quotas.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

const id = <T extends string>(): z.ZodType<T> =>
  z.custom<T>((value) => typeof value === 'string' && isId(value), 'an id');

const certificateRow = z
  .object({
    id: id<CertificateId>(),
    appId: id<AppId>().nullable(),
    kind: z.enum(CERTIFICATE_KINDS),
    names: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(z.array(z.string())),
    fingerprint: z.string(),
    issuer: z.string().nullable(),
    notBeforeMs: z.number(),
    notAfterMs: z.number(),
    createdAtMs: z.number(),
    storedAtMs: z.number(),
    servedAtMs: z.number().nullable(),
    exposed: z.string().nullable(),
  })
  .transform(({ appId, issuer, servedAtMs, exposed, ...row }): Certificate => ({
    ...row,
    ...(appId === null ? {} : { appId }),
    ...(issuer === null ? {} : { issuer }),
    ...(servedAtMs === null ? {} : { servedAtMs }),
    ...(exposed === null ? {} : { exposed }),
  }));

/** Fields of a row in the route table beside its names, see `certificateBytes`. */
const ROW_BYTES = 110;

export function createTlsCertificates(deps: RepositoryDeps): CertificateStore {
  const { inTransaction, cipher, clock } = deps;
  return {
    saveCertificate: (certificate) => inTransaction((tx) => save(tx, deps, certificate)),
    certificates: (only) => inTransaction((tx) => read(tx, { appId: only })),
    certificate: (wanted) => inTransaction(async (tx) => (await read(tx, { id: wanted }))[0]),
    certificateFiles: (wanted) =>
      inTransaction(async (tx) => {
        const columns = ['fingerprint', 'chain', 'privateKey', 'keyId'] as const;
        const query = tx.selectFrom('tlsCertificates').select(columns).where('id', '=', wanted);
        const row = await query.executeTakeFirst();
        if (row === undefined) return undefined;
        const { fingerprint, chain: chainPem, privateKey: text, keyId } = row;
        const keyPem = new Sensitive(cipher.open({ keyId, text }, placeOfKey(wanted)));
        return { fingerprint, chainPem, keyPem };
      }),
    removeCertificate: (wanted) =>
      inTransaction(async (tx) => {
        const done = await tx.deleteFrom('tlsCertificates').where('id', '=', wanted).executeTakeFirst();
        return done.numDeletedRows > 0n;
      }),
    markServed: (ids) =>
      inTransaction(async (tx) => {
        const update = tx.updateTable('tlsCertificates').set({ servedAtMs: clock.nowMs() });
        await update.where('id', 'in', listOf(ids)).where('servedAtMs', 'is', null).execute();
      }),
    removeUnordered: () => inTransaction(removeUnordered),
  };
}

/** Ends the ordered certificates of domains that are gone. */
export async function removeUnordered(tx: Tx): Promise<number> {
  const ordered = tx.selectFrom('certificateOrders').select('id');
  const done = await tx
    .deleteFrom('tlsCertificates')
    .where('kind', '=', 'acme')
    .where('appId', 'is not', null)
    .where('id', 'not in', ordered)
    .executeTakeFirst();
  return Number(done.numDeletedRows);
}

/** Where the key of a certificate is stored. */
export function placeOfKey(certificate: string): Place {
  return { certificate };
}

async function save(
  tx: Tx,
  { clock, cipher, quotas }: RepositoryDeps,
  {
    chainPem: chain,
    keyPem,
    appId = null,
    issuer = null,
    ...certificate
  }: Omit<NewCertificate, 'appId' | 'issuer'> & {
    readonly appId?: AppId | null | undefined;
    readonly issuer?: string | null | undefined;
  },
): Promise<Certificate> {
  const [former] = await read(tx, { id: certificate.id });
  if (former === undefined) await requireRoom(tx, quotas, { appId, kind: certificate.kind });
  const names = JSON.stringify(certificate.names);
  await requireBytes(tx, { id: certificate.id, kind: certificate.kind, names });
  const storedAtMs = clock.nowMs();
  const { text: privateKey, keyId } = cipher.seal(keyPem.reveal(), placeOfKey(certificate.id));
  const own = { ...certificate, appId, issuer, names, chain, privateKey, keyId, storedAtMs, exposed: null };
  await tx
    .insertInto('tlsCertificates')
    .values({ ...own, createdAtMs: storedAtMs })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(own))
    .execute();
  const { id: certificateId, fingerprint, notAfterMs } = certificate;
  if (certificate.kind === 'acme')
    await insertIssued(tx, { certificateId, fingerprint, chain, notAfterMs, nowMs: storedAtMs });
  else await removeHolders(tx);
  const [saved] = await read(tx, { id: certificate.id });
  if (saved === undefined) throw notFound('certificate');
  return saved;
}

async function read(
  tx: Tx,
  { appId, id: wanted }: { readonly appId?: AppId | undefined; readonly id?: CertificateId | undefined },
): Promise<readonly Certificate[]> {
  const columns = ['id', 'appId', 'kind', 'names', 'fingerprint', 'issuer'] as const;
  const times = ['notBeforeMs', 'notAfterMs', 'createdAtMs', 'storedAtMs', 'servedAtMs', 'exposed'] as const;
  let query = tx
    .selectFrom('tlsCertificates')
    .select([...columns, ...times])
    .orderBy('id');
  if (appId !== undefined) query = query.where('appId', '=', appId);
  if (wanted !== undefined) query = query.where('id', '=', wanted);
  return parseRows(certificateRow, await query.execute());
}

/** The controller itself orders no more certificates than there are domains. @throws SLIP_QUOTA */
async function requireRoom(
  tx: Tx,
  quotas: Quotas,
  { appId, kind }: { readonly appId: AppId | null; readonly kind: Certificate['kind'] },
): Promise<void> {
  if (appId === null || kind !== 'uploaded') return;
  const app = await tx.selectFrom('apps').select('ownerId').where('id', '=', appId).executeTakeFirst();
  if (app === undefined) throw notFound('app');
  await requireQuota(tx, quotas, { userId: app.ownerId as UserId, name: 'certificates' });
}

/** Uploads have half of the room at most, so that they never keep an ordered certificate out. @throws SLIP_CERT_TABLE */
async function requireBytes(
  tx: Tx,
  own: { readonly id: string; readonly kind: Certificate['kind']; readonly names: string },
): Promise<void> {
  const isUpload = own.kind === 'uploaded';
  const max = isUpload ? CERTIFICATES_BYTES_MAX / 2 : CERTIFICATES_BYTES_MAX;
  const sum = sql<{
    bytes: number;
  }>`select coalesce(sum(length(names) + ${ROW_BYTES}), 0) as bytes from tls_certificates
    where id <> ${own.id} and (not ${Number(isUpload)} or kind = 'uploaded')`;
  const bytes = ((await sum.execute(tx)).rows[0]?.bytes ?? 0) + own.names.length + ROW_BYTES;
  if (bytes <= max) return;
  throw new SlipwayError({
    code: 'SLIP_CERT_TABLE',
    httpStatus: 422,
    message: `The fleet cannot have this certificate: all ${isUpload ? 'uploaded ' : ''}certificates would have ${String(bytes)} bytes in the route table, and the maximum is ${String(max)}.`,
    hint: 'Remove certificates that no app needs any more. See them with: slipway certs -a APP',
  });
}
