import { sql } from 'kysely';
import { z } from 'zod';
import { parseAppName, parseDomain } from '../../../shared/domain/names.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import {
  DOMAIN_PROOFS,
  KEPT_APP_NAMES_MAX,
  KEPT_DOMAINS_MAX,
  KEPT_NAME_MS,
  type DomainClaim,
  type DomainProof,
} from '../../domain/domains.ts';
import { insertEvent } from './events.ts';
import { userIdColumn } from './rows.ts';
import type { Tx } from './schema.ts';

export const keptDomainRow = z.object({
  hostname: z.string().transform(parseDomain),
  ownerId: userIdColumn,
  app: z.string().transform(parseAppName),
  untilMs: z.number().int(),
});

/** Names whose time is over are removed when others are added, at most this many at once. An app has fewer domains. */
const CLEANED_AT_ONCE_MAX = 2_000;

interface Scope {
  readonly tx: Tx;
  readonly clock: Clock;
}

/** Keeps domains of an app for its owner, before the caller deletes them. @param hostname absent: all of them */
export async function keepDomains({ tx, clock }: Scope, appId: string, hostname?: string): Promise<void> {
  const nowMs = clock.nowMs();
  const only = hostname === undefined ? sql`` : sql`and domains.hostname = ${hostname}`;
  await sql`insert or replace into kept_domains (hostname, owner_id, app_id, app, proof, until_ms)
    select domains.hostname, apps.owner_id, apps.id, apps.name, domains.proof, ${nowMs + KEPT_NAME_MS}
    from domains join apps on apps.id = domains.app_id where apps.id = ${appId} ${only}`.execute(tx);
  await sql`delete from kept_domains where hostname in
    (select hostname from kept_domains where until_ms <= ${nowMs} order by until_ms limit ${CLEANED_AT_ONCE_MAX})`.execute(
    tx,
  );
  await sql`delete from kept_domains where hostname in
    (select hostname from kept_domains where owner_id = (select owner_id from apps where id = ${appId})
      order by until_ms desc, hostname limit -1 offset ${KEPT_DOMAINS_MAX})`.execute(tx);
}

/**
 * Ends the keeping of a domain that an app gets. @returns the proof of its last owner, who needs no other one
 * @throws SLIP_DOMAIN_KEPT when it is kept for another owner and the claim has no proof
 */
export async function endKeeping(
  { tx, clock }: Scope,
  { appId, hostname, claim }: { readonly appId: string; readonly hostname: string; readonly claim: DomainClaim },
): Promise<DomainProof | undefined> {
  const kept = await tx.selectFrom('keptDomains').selectAll().where('hostname', '=', hostname).executeTakeFirst();
  if (kept === undefined) return undefined;
  await tx.deleteFrom('keptDomains').where('hostname', '=', hostname).execute();
  const owner = await tx.selectFrom('apps').select('ownerId').where('id', '=', appId).executeTakeFirst();
  if (kept.untilMs <= clock.nowMs()) return undefined;
  if (kept.ownerId === owner?.ownerId) return DOMAIN_PROOFS.find((proof) => proof === kept.proof);
  if (claim.proof === undefined) throw domainKept(hostname, kept.untilMs);
  await tellLastOwner({ tx, clock }, kept.appId, hostname);
  return undefined;
}

/** Takes a domain from its app for the owner who proved it, and tells the other one. Nothing happens if the app has lost it already. */
export async function takeDomain({ tx, clock }: Scope, appId: string, hostname: string): Promise<void> {
  const done = await tx
    .deleteFrom('domains')
    .where('appId', '=', appId)
    .where('hostname', '=', hostname)
    .executeTakeFirst();
  if (done.numDeletedRows > 0n) await tellLastOwner({ tx, clock }, appId, hostname);
}

/** The new owner is not named, because a user must not learn which apps others have. */
async function tellLastOwner({ tx, clock }: Scope, appId: string, hostname: string): Promise<void> {
  const app = await tx.selectFrom('apps').select('name').where('id', '=', appId).executeTakeFirst();
  if (app === undefined) return;
  await insertEvent(tx, clock, {
    kind: 'domain.lost',
    actor: 'controller',
    app: app.name,
    message: `${app.name} lost the domain ${hostname}: another user proved that it is theirs.`,
    next: `slipway domains -a ${app.name}`,
  });
}

/** Keeps the name of an app and its former names for its owner, before the caller deletes the app. */
export async function keepAppNames({ tx, clock }: Scope, appId: string): Promise<void> {
  const nowMs = clock.nowMs();
  await sql`insert or replace into kept_app_names (name, owner_id, until_ms)
    select names.name, apps.owner_id, ${nowMs + KEPT_NAME_MS} from apps join
      (select name, id as app_id from apps union all select name, app_id from former_app_names where until_ms > ${nowMs}) as names
      on names.app_id = apps.id where apps.id = ${appId}`.execute(tx);
  await sql`delete from kept_app_names where name in
    (select name from kept_app_names where until_ms <= ${nowMs} order by until_ms limit ${CLEANED_AT_ONCE_MAX})`.execute(
    tx,
  );
  await sql`delete from kept_app_names where name in
    (select name from kept_app_names where owner_id = (select owner_id from apps where id = ${appId})
      order by until_ms desc, name limit -1 offset ${KEPT_APP_NAMES_MAX})`.execute(tx);
}

/** The owner of an app gets its name. @throws SLIP_APP_NAME_KEPT when the name is kept for another user */
export async function takeAppName({ tx, clock }: Scope, name: string, ownerId: string): Promise<void> {
  const kept = await tx.selectFrom('keptAppNames').selectAll().where('name', '=', name).executeTakeFirst();
  if (kept === undefined) return;
  if (kept.ownerId !== ownerId && kept.untilMs > clock.nowMs()) throw appNameKept(name, kept.untilMs);
  await tx.deleteFrom('keptAppNames').where('name', '=', name).execute();
}

function domainKept(hostname: string, untilMs: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_KEPT',
    kind: 'conflict',
    message: `The domain ${hostname} is kept for its last owner until ${new Date(untilMs).toISOString()}.`,
    hint: 'Add another domain, or try again after this time.',
  });
}

function appNameKept(name: string, untilMs: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_NAME_KEPT',
    kind: 'conflict',
    message: `The name ${name} belonged to an app that was destroyed, and is kept for its last owner until ${new Date(untilMs).toISOString()}.`,
    hint: 'Choose another name, or let Slipway choose one with: slipway create',
  });
}
