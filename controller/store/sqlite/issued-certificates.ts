import { z } from 'zod';
import { isId, type CertificateId } from '../../../shared/domain/ids.ts';
import { ISSUED_STATES, transition, type IssuedState } from '../../../shared/domain/states.ts';
import { REVOCATION_REASONS, type IssuedCertificate, type RevocationReason } from '../../domain/issued.ts';
import type { IssuedStore } from '../issued-port.ts';
import type { RepositoryDeps } from './repository.ts';
import { parseRow, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

/** A look takes this many at most. The others are still due at the next look. */
const DUE_MAX = 50;
const OPEN: readonly IssuedState[] = ['replacing', 'revoking'];

const nullable = <T extends z.ZodType>(schema: T) => z.union([z.null().transform(() => undefined), schema]);
const word = <T extends string>(words: Readonly<Record<T, unknown>>): z.ZodType<T> =>
  z.custom<T>((value) => typeof value === 'string' && Object.hasOwn(words, value));
const row = z
  .object({
    fingerprint: z.string(),
    certificateId: z.custom<CertificateId>((value) => typeof value === 'string' && isId(value), 'an id'),
    ...{ hostname: z.string(), directoryUrl: z.string(), notAfterMs: z.number(), state: word(ISSUED_STATES) },
    ...{ sinceMs: z.number(), dueAtMs: z.number(), failures: z.number() },
    ...{ reason: nullable(word(REVOCATION_REASONS)), cause: nullable(z.string()) },
    problem: nullable(
      z
        .string()
        .transform((text) => JSON.parse(text) as unknown)
        .pipe(z.object({ code: z.string(), message: z.string(), hint: z.string().optional() })),
    ),
  })
  .transform(({ certificateId: id, ...rest }): IssuedCertificate => ({ id, ...rest }));

export function createIssuedCertificates({ inTransaction, clock }: RepositoryDeps): IssuedStore {
  return {
    addHolder: (nodeId, fingerprint) =>
      inTransaction(async (tx) => {
        const insert = tx.insertInto('certificateHolders').values({ nodeId, fingerprint });
        await insert.onConflict((known) => known.columns(['nodeId', 'fingerprint']).doNothing()).execute();
      }),
    revocations: () =>
      inTransaction(async (tx) => {
        const query = select(tx).where('state', '<>', 'valid').where('notAfterMs', '>', clock.nowMs());
        return parseRows(row, await query.orderBy('hostname').orderBy('sinceMs').execute());
      }),
    requestRevocation: ({ now, ...wanted }) =>
      inTransaction(async (tx) => {
        const asked = { ...wanted, nowMs: clock.nowMs() };
        return await askRevocation(tx, { ...asked, state: now ? 'revoking' : 'replacing' });
      }),
    dueRevocations: (nowMs) =>
      inTransaction(async (tx) => {
        const open = select(tx).where('state', 'in', OPEN).where('notAfterMs', '>', nowMs).orderBy('dueAtMs');
        const due = parseRows(row, await open.where('dueAtMs', '<=', nowMs).limit(DUE_MAX).execute());
        const next = await open.where('dueAtMs', '>', nowMs).limit(1).executeTakeFirst();
        return { due, nextMs: next?.dueAtMs };
      }),
    moveIssued: (from, to) =>
      inTransaction(async (tx) => {
        if (from.state !== to.state) transition(ISSUED_STATES, from.state, to.state);
        const problem = to.problem === undefined ? null : JSON.stringify(to.problem);
        const { state, sinceMs, dueAtMs, failures } = to;
        const done = await tx
          .updateTable('issuedCertificates')
          .set({ state, sinceMs, dueAtMs, failures, problem })
          .where('fingerprint', '=', from.fingerprint)
          .where('state', '=', from.state)
          .where('sinceMs', '=', from.sinceMs)
          .executeTakeFirst();
        return done.numUpdatedRows > 0n;
      }),
    hurryRevocations: (hostname) =>
      inTransaction(async (tx) => {
        const update = tx.updateTable('issuedCertificates').set({ dueAtMs: clock.nowMs() });
        await update.where('hostname', '=', hostname).where('state', '=', 'replacing').execute();
      }),
    issuedChain: (fingerprint) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('issuedCertificates').select('chain').where('fingerprint', '=', fingerprint);
        return (await query.executeTakeFirst())?.chain;
      }),
    exposedKey: (hash) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('exposedKeys').select('cause').where('hash', '=', hash);
        return (await query.executeTakeFirst())?.cause;
      }),
  };
}

/** Records a certificate that a CA gave, and forgets those that have ended. */
export async function insertIssued(
  tx: Tx,
  {
    nowMs,
    ...issued
  }: {
    readonly certificateId: string;
    readonly fingerprint: string;
    readonly chain: string;
    readonly notAfterMs: number;
    readonly nowMs: number;
  },
): Promise<void> {
  const ended = await tx.deleteFrom('issuedCertificates').where('notAfterMs', '<', nowMs).executeTakeFirst();
  if (ended.numDeletedRows > 0n) await removeHolders(tx);
  const query = tx.selectFrom('certificateOrders').select(['hostname', 'directoryUrl']);
  const order = await query.where('id', '=', issued.certificateId).executeTakeFirst();
  if (order === undefined || order.directoryUrl === null) return;
  const { hostname, directoryUrl } = order;
  await tx
    .insertInto('issuedCertificates')
    .values({ ...issued, hostname, directoryUrl, state: 'valid', sinceMs: nowMs, dueAtMs: nowMs })
    .onConflict((known) => known.column('fingerprint').doNothing())
    .execute();
}

/** Forgets who held the keys of certificates that are gone or have ended. */
export async function removeHolders(tx: Tx): Promise<void> {
  await tx
    .deleteFrom('certificateHolders')
    .where('fingerprint', 'not in', tx.selectFrom('issuedCertificates').select('fingerprint'))
    .where('fingerprint', 'not in', tx.selectFrom('tlsCertificates').select('fingerprint'))
    .execute();
}

interface Wish {
  readonly fingerprint: string;
  readonly reason: RevocationReason;
  readonly cause: string;
  readonly state: 'replacing' | 'revoking';
  readonly nowMs: number;
}

export async function askRevocation(
  tx: Tx,
  { fingerprint, reason, cause, state, nowMs }: Wish,
): Promise<IssuedCertificate | undefined> {
  const found = await select(tx).where('fingerprint', '=', fingerprint).executeTakeFirst();
  if (found === undefined) return undefined;
  const known = parseRow(row, found);
  if (known.state === 'revoked') return known;
  const isCompromised = known.reason === 'keyCompromise' && reason !== 'keyCompromise';
  const why = isCompromised ? { reason: known.reason, cause: known.cause } : { reason, cause };
  const next = known.state === 'revoking' ? 'revoking' : state;
  const wanted = { ...known, ...why, state: next, sinceMs: nowMs, dueAtMs: nowMs };
  const update = tx
    .updateTable('issuedCertificates')
    .set({ reason: wanted.reason, cause: wanted.cause, state: next, sinceMs: nowMs, dueAtMs: nowMs });
  await update.where('fingerprint', '=', fingerprint).execute();
  return wanted;
}

function select(tx: Tx) {
  return tx
    .selectFrom('issuedCertificates')
    .select(['fingerprint', 'certificateId', 'hostname', 'directoryUrl', 'notAfterMs', 'state'])
    .select(['sinceMs', 'dueAtMs', 'failures', 'reason', 'cause', 'problem']);
}
