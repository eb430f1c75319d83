import { sql } from 'kysely';
import { z } from 'zod';
import type { UserId } from '../../../shared/domain/ids.ts';
import type { Quotas } from '../../../shared/domain/quota.ts';
import { NAME_BYTES } from '../../../shared/domain/fleet-routes-size.ts';
import { parseDomain } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { DOMAIN_PROOFS, type Domain, type DomainHolder, type RoutedApp } from '../../domain/domains.ts';
import type { DomainStore } from '../domains-port.ts';
import { endKeeping, keepDomains, keptDomainRow, takeDomain } from './kept-names.ts';
import { maxOf, requireQuota } from './quotas.ts';
import { notFound, unlessTaken, type RepositoryDeps } from './repository.ts';
import { routedAppRow } from './routed-app-row.ts';
import { appIdColumn, parseRow, parseRowIfAny, parseRows, userIdColumn } from './rows.ts';
import type { Tx } from './schema.ts';
import { removeUnordered } from './tls-certificates.ts';

const domainRow = z
  .strictObject({
    ...{ hostname: z.string().transform(parseDomain), appId: appIdColumn, createdAtMs: z.number().int() },
    proof: z.enum(DOMAIN_PROOFS).nullable(),
  })
  .transform(({ proof, ...row }): Domain => (proof === null ? row : { ...row, proof }));

export function createDomains(deps: RepositoryDeps): DomainStore {
  const { inTransaction, clock, quotas, domainsBytesMax } = deps;
  return {
    ...createHolders(deps),
    addDomain: (appId, hostname, claim = {}) =>
      inTransaction(async (tx) => {
        if (claim.takenFrom !== undefined) {
          await takeDomain({ tx, clock }, claim.takenFrom, hostname);
          await removeUnordered(tx);
        }
        const keptProof = await endKeeping({ tx, clock }, { appId, hostname, claim });
        await requireRoom(tx, quotas, { appId, hostname, domainsBytesMax });
        const row = { appId, hostname, createdAtMs: clock.nowMs(), proof: claim.proof ?? keptProof ?? null };
        await unlessTaken(tx.insertInto('domains').values(row).execute(), () => domainTaken(hostname));
        return parseRow(domainRow, row);
      }),
    removeDomain: (appId, hostname) =>
      inTransaction(async (tx) => {
        await keepDomains({ tx, clock }, appId, hostname);
        const done = await tx
          .deleteFrom('domains')
          .where('appId', '=', appId)
          .where('hostname', '=', hostname)
          .executeTakeFirst();
        await removeUnordered(tx);
        return done.numDeletedRows > 0n;
      }),
    clearDomains: (appId) =>
      inTransaction(async (tx) => {
        await keepDomains({ tx, clock }, appId);
        const done = await tx.deleteFrom('domains').where('appId', '=', appId).executeTakeFirst();
        await removeUnordered(tx);
        return Number(done.numDeletedRows);
      }),
    domainsOf: (appId) =>
      inTransaction(async (tx): Promise<readonly Domain[]> => {
        const query = tx.selectFrom('domains').selectAll().where('appId', '=', appId).orderBy('hostname');
        return parseRows(domainRow, await query.execute());
      }),
    domain: (hostname) =>
      inTransaction(async (tx) => {
        const query = tx.selectFrom('domains').selectAll().where('hostname', '=', hostname);
        return parseRowIfAny(domainRow, await query.executeTakeFirst());
      }),
    routedApps: (only) => inTransaction((tx) => readRoutedApps(tx, only)),
  };
}

/** Who has a name, who had it last, and the key of proofs. */
function createHolders({
  inTransaction,
  clock,
}: Pick<RepositoryDeps, 'inTransaction' | 'clock'>): Pick<
  DomainStore,
  'domainHolder' | 'keptDomains' | 'domainProofKey'
> {
  return {
    domainHolder: (hostname) =>
      inTransaction(async (tx): Promise<DomainHolder | undefined> => {
        const owned = tx.selectFrom('domains').innerJoin('apps', 'apps.id', 'domains.appId');
        const row = await owned.select(['appId', 'ownerId']).where('hostname', '=', hostname).executeTakeFirst();
        if (row !== undefined) {
          const { appId, ownerId } = row;
          return { kind: 'app', appId: parseRow(appIdColumn, appId), ownerId: parseRow(userIdColumn, ownerId) };
        }
        const keptRows = tx.selectFrom('keptDomains').selectAll().where('untilMs', '>', clock.nowMs());
        const kept = parseRowIfAny(keptDomainRow, await keptRows.where('hostname', '=', hostname).executeTakeFirst());
        return kept === undefined ? undefined : { kind: 'kept', ownerId: kept.ownerId, untilMs: kept.untilMs };
      }),
    keptDomains: (ownerId) =>
      inTransaction(async (tx) => {
        const kept = tx.selectFrom('keptDomains').selectAll().where('ownerId', '=', ownerId).orderBy('hostname');
        return parseRows(keptDomainRow, await kept.where('untilMs', '>', clock.nowMs()).execute());
      }),
    domainProofKey: () =>
      inTransaction(async (tx) => {
        return (await tx.selectFrom('domainProofKey').select('secret').executeTakeFirstOrThrow()).secret;
      }),
  };
}

/** Checks the limits of the app, of its owner and of the route table. @throws SLIP_DOMAIN_LIMIT, SLIP_QUOTA, SLIP_DOMAIN_TABLE */
async function requireRoom(
  tx: Tx,
  quotas: Quotas,
  {
    appId,
    hostname,
    domainsBytesMax,
  }: { readonly appId: string; readonly hostname: string; readonly domainsBytesMax: number },
): Promise<void> {
  const app = await tx.selectFrom('apps').select(['name', 'ownerId']).where('id', '=', appId).executeTakeFirst();
  if (app === undefined) throw notFound('app');
  const max = await maxOf(tx, quotas, { userId: app.ownerId, name: 'domainsPerApp' });
  const mine = tx.selectFrom('domains').where('appId', '=', appId);
  const { count } = await mine.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  if (count >= max) throw tooManyDomains(app.name, max);
  await requireQuota(tx, quotas, { userId: app.ownerId as UserId, name: 'domains' });
  const bytes = (await domainBytes(tx)) + hostname.length + NAME_BYTES;
  if (bytes > domainsBytesMax) throw tableFull(app.name, bytes, domainsBytesMax);
}

/** Bytes of the domains of all apps. The limit of the sum also limits the rows to read. */
async function domainBytes(tx: Tx): Promise<number> {
  const sum = sql<{ bytes: number }>`select coalesce(sum(length(hostname) + ${NAME_BYTES}), 0) as bytes from domains`;
  return (await sum.execute(tx)).rows[0]?.bytes ?? 0;
}

/** Runs two queries, however many apps there are. */
async function readRoutedApps(tx: Tx, only: string | undefined): Promise<readonly RoutedApp[]> {
  const apps = tx
    .selectFrom('apps')
    .leftJoin('releases', (join) => join.onRef('releases.appId', '=', 'apps.id').on('releases.state', '=', 'current'))
    .leftJoin('maintenancePages', 'maintenancePages.appId', 'apps.id')
    .leftJoin('httpsRedirects', 'httpsRedirects.appId', 'apps.id')
    .leftJoin('canonicalNames', 'canonicalNames.appId', 'apps.id')
    .leftJoin('hstsPolicies', 'hstsPolicies.appId', 'apps.id')
    .select(['apps.id as appId', 'apps.name as app', 'apps.createdAtMs', 'releases.version as release'])
    .select(['apps.maintenance', 'maintenancePages.page', 'httpsRedirects.enabled as redirects'])
    .select(['canonicalNames.hostname as canonical', 'maxAgeS', 'includeSubdomains', 'preload'])
    // An app that was never deployed is in no route table.
    .where(sql<boolean>`(releases.version is not null or exists (select 1 from assignments where app_id = apps.id))`)
    .orderBy('apps.id');
  const domains = tx.selectFrom('domains').select(['appId', 'hostname']).orderBy('hostname');
  const [appRows, domainRows] = [
    await (only === undefined ? apps : apps.where('apps.id', '=', only)).execute(),
    await (only === undefined ? domains : domains.where('appId', '=', only)).execute(),
  ];
  const byApp = Map.groupBy(domainRows, (row) => row.appId);
  const rows = appRows.map((row) => ({
    ...row,
    domains: (byApp.get(row.appId) ?? []).map((domain) => domain.hostname),
  }));
  return parseRows(routedAppRow, rows);
}

/** The message is the same for all apps, because a user must not learn which apps others have. */
function domainTaken(hostname: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_TAKEN',
    kind: 'conflict',
    message: `The domain ${hostname} is currently in use by another app.`,
    hint: `If that app is yours too, remove it there first: slipway domains:remove ${hostname} -a OTHER_APP`,
  });
}

function tableFull(app: string, bytes: number, max: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_TABLE',
    httpStatus: 422,
    message: `${app} cannot have this domain: the domains of all apps would have ${String(bytes)} bytes in the route table, and the maximum is ${String(max)}.`,
    hint: 'A wildcard such as *.example.com stands for all names with one more label, such as shop.example.com. An administrator can lower the quota domains of users who have many: slipway users:quotas',
  });
}

function tooManyDomains(app: string, max: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_LIMIT',
    httpStatus: 422,
    message: `${app} has ${String(max)} domains, which is the maximum for an app of its owner.`,
    hint: 'A wildcard such as *.example.com stands for all names with one more label, such as shop.example.com. An administrator can raise the quota domainsPerApp: slipway users:quotas',
  });
}
