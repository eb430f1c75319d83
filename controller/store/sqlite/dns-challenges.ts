import { z } from 'zod';
import { DNS_PROVIDER_KINDS } from '../../../shared/domain/dns-provider.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import { RECORD_STATES } from '../../domain/orders.ts';
import type { DnsStore } from '../dns-port.ts';
import { placeOfDnsSecret } from './acme-keys.ts';
import type { RepositoryDeps } from './repository.ts';
import { parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

const PROVIDERS_MAX = 50;
/** A look takes this many records at most. The others are still due at the next look. */
const STALE_MAX = 100;

const nullable = <T extends z.ZodType>(schema: T) => z.union([z.null().transform(() => undefined), schema]);
const providerRow = z.object({
  ...{ name: z.string(), kind: z.enum(DNS_PROVIDER_KINDS), zone: z.string(), recordZone: z.string() },
  settings: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), z.string())),
  ...{ secretText: nullable(z.string()), secretKeyId: nullable(z.string()), createdAtMs: z.number() },
});
const recordRow = z.object({
  ...{ orderId: z.string(), provider: z.string(), name: z.string(), value: z.string(), failures: z.number() },
});
const COLUMNS = ['orderId', 'provider', 'name', 'value', 'challengeRecords.failures'] as const;

export function createDnsChallenges(deps: RepositoryDeps): DnsStore {
  const { inTransaction, clock } = deps;
  return {
    ...createProviders(deps),
    addChallengeRecord: (record) =>
      inTransaction(async (tx) => {
        const row = { ...record, dueAtMs: clock.nowMs(), failures: 0 };
        const again = { provider: row.provider, dueAtMs: row.dueAtMs, failures: 0 };
        await tx
          .insertInto('challengeRecords')
          .values(row)
          .onConflict((known) => known.columns(['orderId', 'name', 'value']).doUpdateSet(again))
          .execute();
      }),
    challengeRecords: (orderId) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('challengeRecords').select(COLUMNS).where('orderId', '=', orderId);
        return parseRows(recordRow, await query.orderBy('value').execute());
      }),
    challengeRecordCounts: () =>
      inTransaction(async (tx) => {
        const rows = await tx.selectFrom('challengeRecords').select('provider').execute();
        return new Map([...Map.groupBy(rows, ({ provider }) => provider)].map(([name, all]) => [name, all.length]));
      }),
    staleRecords: (nowMs) => inTransaction((tx) => readStale(tx, nowMs)),
    postponeRecord: ({ orderId, name, value, failures }, untilMs) =>
      inTransaction(async (tx) => {
        const update = tx.updateTable('challengeRecords').set({ dueAtMs: untilMs, failures: failures + 1 });
        await update.where('orderId', '=', orderId).where('name', '=', name).where('value', '=', value).execute();
      }),
    removeChallengeRecord: ({ orderId, name, value }) =>
      inTransaction(async (tx) => {
        const query = tx.deleteFrom('challengeRecords').where('orderId', '=', orderId);
        await query.where('name', '=', name).where('value', '=', value).execute();
      }),
  };
}

function createProviders({
  inTransaction,
  clock,
  cipher,
}: RepositoryDeps): Pick<DnsStore, 'dnsProviders' | 'addDnsProvider' | 'removeDnsProvider'> {
  return {
    dnsProviders: () =>
      inTransaction(async (tx) => {
        const rows = parseRows(providerRow, await tx.selectFrom('dnsProviders').selectAll().orderBy('name').execute());
        return rows.map(({ secretText: text, secretKeyId: keyId, ...row }): DnsProvider => {
          if (text === undefined || keyId === undefined) return { ...row, secret: undefined };
          return { ...row, secret: new Sensitive(cipher.open({ keyId, text }, placeOfDnsSecret(row.name))) };
        });
      }),
    addDnsProvider: ({ secret, settings, ...provider }) =>
      inTransaction(async (tx) => {
        await requireFree(tx, provider);
        const { name } = provider;
        const sealed = secret === undefined ? undefined : cipher.seal(secret.reveal(), placeOfDnsSecret(name));
        const secretColumns = { secretText: sealed?.text ?? null, secretKeyId: sealed?.keyId ?? null };
        const row = { ...provider, settings: JSON.stringify(settings), ...secretColumns, createdAtMs: clock.nowMs() };
        await tx.insertInto('dnsProviders').values(row).execute();
      }),
    removeDnsProvider: (name) =>
      inTransaction(async (tx) => {
        const done = await tx.deleteFrom('dnsProviders').where('name', '=', name).executeTakeFirst();
        if (done.numDeletedRows === 0n) return undefined;
        const query = tx.selectFrom('challengeRecords').select(COLUMNS).where('provider', '=', name);
        const left = parseRows(recordRow, await query.orderBy('name').execute());
        await tx.deleteFrom('challengeRecords').where('provider', '=', name).execute();
        return left;
      }),
  };
}

/** @throws SLIP_DNS_PROVIDER_EXISTS, SLIP_DNS_ZONE_TAKEN, SLIP_DNS_PROVIDERS */
async function requireFree(tx: Tx, { name, zone }: Pick<DnsProvider, 'name' | 'zone'>): Promise<void> {
  const all = await tx.selectFrom('dnsProviders').select(['name', 'zone']).execute();
  if (all.some((one) => one.name === name)) {
    const message = `There is a DNS provider ${name} already.`;
    throw taken('SLIP_DNS_PROVIDER_EXISTS', message, `Remove it first: slipway tls:dns:remove ${name}`);
  }
  const other = all.find((one) => one.zone === zone);
  if (other !== undefined) {
    const message = `The DNS provider ${other.name} is used for the zone ${zone} already.`;
    throw taken('SLIP_DNS_ZONE_TAKEN', message, `Remove it first: slipway tls:dns:remove ${other.name}`);
  }
  if (all.length >= PROVIDERS_MAX) {
    const message = `This fleet has ${String(PROVIDERS_MAX)} DNS providers, which is the maximum.`;
    throw taken('SLIP_DNS_PROVIDERS', message, 'Remove one that no domain needs. See them with: slipway tls:dns');
  }
}

function taken(code: string, message: string, hint: string): SlipwayError {
  return new SlipwayError({ code, kind: 'conflict', message, hint });
}

/** A record is needed while its order waits for the DNS, or for the CA that asks it. */
async function readStale(tx: Tx, nowMs: number): Promise<Awaited<ReturnType<DnsStore['staleRecords']>>> {
  const stale = tx
    .selectFrom('challengeRecords')
    .leftJoin('certificateOrders', 'certificateOrders.id', 'challengeRecords.orderId')
    .where((or) =>
      or.or([
        or('certificateOrders.id', 'is', null),
        or.and([or('state', 'not in', RECORD_STATES), or('state', '<>', 'waiting')]),
        or.and([or('state', '=', 'waiting'), or('resume', 'not in', RECORD_STATES)]),
      ]),
    );
  const due = await stale
    .select(COLUMNS)
    .where('challengeRecords.dueAtMs', '<=', nowMs)
    .orderBy('challengeRecords.dueAtMs')
    .limit(STALE_MAX)
    .execute();
  const next = await stale
    .select('challengeRecords.dueAtMs')
    .where('challengeRecords.dueAtMs', '>', nowMs)
    .orderBy('challengeRecords.dueAtMs')
    .limit(1)
    .executeTakeFirst();
  return { due: parseRows(recordRow, due), nextMs: next?.dueAtMs };
}

/** For orders: the zones that have a provider. */
export async function zonesWithProvider(tx: Tx): Promise<readonly { readonly zone: string }[]> {
  return await tx.selectFrom('dnsProviders').select('zone').execute();
}
