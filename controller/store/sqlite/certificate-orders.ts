import { sql } from 'kysely';
import { z } from 'zod';
import { isId, type AppId, type CertificateId } from '../../../shared/domain/ids.ts';
import { ORDER_STATES, transition, type OrderState } from '../../../shared/domain/states.ts';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import { BUSY_STATES, holdsKey, RATE_LIMITED, USES_KEPT_MS, type CertificateOrder } from '../../domain/orders.ts';
import { needsDns, providerFor } from '../../domain/dns-providers.ts';
import type { OrderStore } from '../order-port.ts';
import { zonesWithProvider } from './dns-challenges.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { appIdColumn, parseRowIfAny, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';
import { placeOfOrderKey } from './acme-keys.ts';
import { removeUnordered } from './tls-certificates.ts';

type Methods = Pick<
  OrderStore,
  | 'certificateOrders'
  | 'ordersOfApp'
  | 'certificateOrder'
  | 'addCertificateOrder'
  | 'addMissingOrders'
  | 'removeOrders'
  | 'dueOrders'
  | 'moveOrder'
  | 'orderKey'
  | 'hurryOrder'
  | 'acmeUses'
>;

/** A look takes this many orders of each kind at most. The others are still due at the next look. */
const DUE_MAX = 200;
/** A state that began later than this from now was written before the clock went back. */
const CLOCK_BACK_MS = 5 * 60_000;
/** As `chooseOrders` decides it. */
const NEEDS_PLACE = sql<boolean>`(state = 'needed' or (state = 'waiting' and coalesce(resume, '') = 'checking'))`;
const END = sql<number>`json_extract(certificate, '$.notAfterMs')`;

const nullable = <T extends z.ZodType>(schema: T) => z.union([z.null().transform(() => undefined), schema]);
const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text) => JSON.parse(text) as unknown)
    .pipe(schema);
const certificateId = z.custom<CertificateId>((value) => typeof value === 'string' && isId(value), 'an id');
const state = z.custom<OrderState>((value) => typeof value === 'string' && Object.hasOwn(ORDER_STATES, value));
const text = nullable(z.string());
const certificate = z.object({
  fingerprint: z.string(),
  notBeforeMs: z.number(),
  notAfterMs: z.number(),
  ariId: z.string().optional(),
  renewAtMs: z.number(),
  window: z.object({ startMs: z.number(), endMs: z.number() }).optional(),
});
const orderRow = z
  .object({
    ...{ id: certificateId, appId: appIdColumn, hostname: z.string(), state, sinceMs: z.number(), dueAtMs: z.number() },
    ...{ resume: nullable(state), failures: z.number(), directoryUrl: text, orderUrl: text, replaces: text },
    problem: nullable(json(z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }))),
    certificate: nullable(json(certificate)),
  })
  .transform(({ certificate: known, ...row }): CertificateOrder => {
    if (known === undefined) return { ...row, certificate: undefined };
    return { ...row, certificate: { ...known, ariId: known.ariId, window: known.window } };
  });
const keyRow = z.object({ keyText: z.string(), keyId: z.string() });
const useRow = z.object({ atMs: z.number() });

export function createCertificateOrders(deps: RepositoryDeps): Methods {
  const { inTransaction, clock, randomId, cipher } = deps;
  return {
    certificateOrders: () =>
      inTransaction(async (tx) => parseRows(orderRow, await orders(tx).orderBy('domains.hostname').execute())),
    ordersOfApp: (appId) =>
      inTransaction(async (tx) =>
        parseRows(orderRow, await orders(tx).where('domains.appId', '=', appId).orderBy('domains.hostname').execute()),
      ),
    certificateOrder: (hostname) => inTransaction((tx) => findOrder(tx, hostname)),
    addCertificateOrder: (hostname) =>
      inTransaction((tx) => addOrder(tx, { hostname, id: randomId(), nowMs: clock.nowMs() })),
    ...createOrdersOfApp(deps),
    dueOrders: (nowMs) => inTransaction((tx) => readDue(tx, nowMs)),
    moveOrder: (from, move, keyPem) =>
      inTransaction(async (tx) => {
        const { order, uses } = move;
        if (order.state !== from.state) transition(ORDER_STATES, from.state, order.state);
        const sealed = keyPem === undefined ? undefined : cipher.seal(keyPem.reveal(), placeOfOrderKey(order.id));
        if (!(await writeOrder(tx, { from, order, sealed }))) return false;
        const atMs = clock.nowMs();
        await tx
          .deleteFrom('acmeUses')
          .where('atMs', '<', atMs - USES_KEPT_MS)
          .execute();
        const rows = uses.map(({ kind, key }) => ({ kind, key, atMs }));
        if (rows.length > 0) await tx.insertInto('acmeUses').values(rows).execute();
        return true;
      }),
    orderKey: (id) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('certificateOrders').select(['keyText', 'keyId']).where('id', '=', id);
        const row = parseRowIfAny(keyRow, await query.where('keyText', 'is not', null).executeTakeFirst());
        if (row === undefined) return undefined;
        return new Sensitive(cipher.open({ keyId: row.keyId, text: row.keyText }, placeOfOrderKey(id)));
      }),
    hurryOrder: (hostname) =>
      inTransaction(async (tx) => {
        const update = tx.updateTable('certificateOrders').set({ dueAtMs: clock.nowMs() });
        const done = await update
          .where('hostname', '=', hostname)
          .where('state', 'in', ['waiting', 'blocked'])
          .where(sql<boolean>`coalesce(json_extract(problem, '$.code'), '') <> ${RATE_LIMITED}`)
          .executeTakeFirst();
        return done.numUpdatedRows > 0n;
      }),
    acmeUses: (uses, sinceMs) =>
      inTransaction((tx) =>
        Promise.all(
          uses.map(async (use) => {
            const query = tx.selectFrom('acmeUses').select('atMs').where('kind', '=', use.kind);
            const found = await query.where('key', '=', use.key).where('atMs', '>=', sinceMs).orderBy('atMs').execute();
            return { ...use, atMs: parseRows(useRow, found).map(({ atMs }) => atMs) };
          }),
        ),
      ),
  };
}

function createOrdersOfApp({
  inTransaction,
  clock,
  randomId,
}: RepositoryDeps): Pick<Methods, 'addMissingOrders' | 'removeOrders'> {
  return {
    addMissingOrders: (only) =>
      inTransaction(async (tx) => {
        const missing = await findMissing(tx, only);
        const nowMs = clock.nowMs();
        for (const { hostname } of missing) await addOrder(tx, { hostname, id: randomId(), nowMs });
        return missing.length;
      }),
    removeOrders: (appId) =>
      inTransaction(async (tx) => {
        const hostnames = tx.selectFrom('domains').select('hostname').where('appId', '=', appId);
        const done = await tx.deleteFrom('certificateOrders').where('hostname', 'in', hostnames).executeTakeFirst();
        await removeUnordered(tx);
        return Number(done.numDeletedRows);
      }),
  };
}

async function findMissing(tx: Tx, only: AppId | undefined): Promise<readonly { readonly hostname: string }[]> {
  const query = tx
    .selectFrom('domains')
    .leftJoin('certificateOrders', 'certificateOrders.hostname', 'domains.hostname')
    .leftJoin('certsAuto', 'certsAuto.appId', 'domains.appId')
    .select('domains.hostname')
    .where('certificateOrders.id', 'is', null)
    .where((or) => or.or([or('certsAuto.enabled', 'is', null), or('certsAuto.enabled', '=', 1)]))
    .orderBy('domains.hostname');
  const missing = await (only === undefined ? query : query.where('domains.appId', '=', only)).execute();
  const zones = await zonesWithProvider(tx);
  return missing.filter(({ hostname }) => !needsDns(hostname) || providerFor(zones, hostname) !== undefined);
}

async function addOrder(
  tx: Tx,
  { hostname, id, nowMs }: { readonly hostname: string; readonly id: string; readonly nowMs: number },
): Promise<CertificateOrder> {
  const domain = await tx.selectFrom('domains').select('hostname').where('hostname', '=', hostname).executeTakeFirst();
  if (domain === undefined) throw notFound('domain');
  await tx
    .insertInto('certificateOrders')
    .values({ id, hostname, domain: hostname, state: 'needed', sinceMs: nowMs, dueAtMs: nowMs })
    .onConflict((taken) => taken.column('hostname').doNothing())
    .execute();
  const order = await findOrder(tx, hostname);
  if (order === undefined) throw notFound('order');
  return order;
}

function orders(tx: Tx) {
  return tx
    .selectFrom('certificateOrders')
    .innerJoin('domains', 'domains.hostname', 'certificateOrders.hostname')
    .select(['certificateOrders.id', 'domains.appId', 'domains.hostname', 'state', 'sinceMs', 'dueAtMs', 'resume'])
    .select(['failures', 'directoryUrl', 'orderUrl', 'replaces', 'problem', 'certificate']);
}

async function findOrder(tx: Tx, hostname: string): Promise<CertificateOrder | undefined> {
  return parseRowIfAny(orderRow, await orders(tx).where('domains.hostname', '=', hostname).executeTakeFirst());
}

async function readDue(tx: Tx, nowMs: number): Promise<Awaited<ReturnType<Methods['dueOrders']>>> {
  await repairTimes(tx, nowMs);
  const due = () => orders(tx).where('dueAtMs', '<=', nowMs).limit(DUE_MAX);
  // Orders that wait for a place must not hide those that have one, because then no place would become free.
  const open = await due()
    .where(sql<boolean>`not ${NEEDS_PLACE}`)
    .orderBy('dueAtMs')
    .execute();
  const urgent = await due()
    .where(NEEDS_PLACE)
    .orderBy(sql`${END} is null`)
    .orderBy(END)
    .orderBy('dueAtMs')
    .execute();
  const busy = await tx
    .selectFrom('certificateOrders')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('state', 'in', BUSY_STATES)
    .executeTakeFirstOrThrow();
  const next = await tx
    .selectFrom('certificateOrders')
    .select('dueAtMs')
    .where('dueAtMs', '>', nowMs)
    .orderBy('dueAtMs')
    .limit(1)
    .executeTakeFirst();
  return { due: parseRows(orderRow, [...open, ...urgent]), busy: busy.count, nextMs: next?.dueAtMs };
}

/** While the clock was ahead, orders got times that are far away now. Without this, they would wait until then. */
async function repairTimes(tx: Tx, nowMs: number): Promise<void> {
  const update = tx.updateTable('certificateOrders').set({ sinceMs: nowMs, dueAtMs: nowMs });
  await update.where('sinceMs', '>', nowMs + CLOCK_BACK_MS).execute();
}

async function writeOrder(
  tx: Tx,
  {
    from,
    order,
    sealed,
  }: {
    readonly from: CertificateOrder;
    readonly order: CertificateOrder;
    readonly sealed: { readonly keyId: string; readonly text: string } | undefined;
  },
): Promise<boolean> {
  const key = !holdsKey(order)
    ? { keyText: null, keyId: null }
    : sealed === undefined
      ? {}
      : { keyText: sealed.text, keyId: sealed.keyId };
  const done = await tx
    .updateTable('certificateOrders')
    .set({
      ...{ state: order.state, sinceMs: order.sinceMs, dueAtMs: order.dueAtMs, resume: order.resume ?? null },
      ...{ failures: order.failures, directoryUrl: order.directoryUrl ?? null, orderUrl: order.orderUrl ?? null },
      replaces: order.replaces ?? null,
      problem: order.problem === undefined ? null : JSON.stringify(order.problem),
      certificate: order.certificate === undefined ? null : JSON.stringify(order.certificate),
      ...key,
    })
    .where('id', '=', order.id)
    .where('state', '=', from.state)
    .where('sinceMs', '=', from.sinceMs)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}
