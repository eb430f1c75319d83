import type { Expression, ExpressionBuilder } from 'kysely';
import type { FleetEvent, NewEvent } from '../../../shared/domain/event.ts';
import type { AppId, UserId } from '../../../shared/domain/ids.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { EventQuery } from '../../domain/events.ts';
import type { Store } from '../port.ts';
import type { RepositoryDeps } from './repository.ts';
import { eventRow, parseRow, parseRows } from './rows.ts';
import type { InTransaction, Schema, Tx } from './schema.ts';

type Events = Pick<Store, 'addEvent' | 'events' | 'onEvents'>;

const KEEP_MS = 90 * 24 * 60 * 60_000;
const KEEP_ROWS = 100_000;
/** After this many new events, a limited number of the oldest is checked for removal. */
const PRUNE_EVERY = 200;
const MAX_MESSAGE_LENGTH = 1_000;

/** The kinds of the events that a transaction wrote, until it is committed. */
const wrote = new WeakMap<Tx, Set<string>>();

export function createEvents({ inTransaction, clock }: RepositoryDeps, onEvents: Store['onEvents']): Events {
  return {
    addEvent: (event) => inTransaction((tx) => insertEvent(tx, clock, event)),
    events: (query) => inTransaction(async (tx) => parseRows(eventRow, await select(tx, query))),
    onEvents,
  };
}

/** Part of the caller's transaction, so that a change and its event are stored together. */
export async function insertEvent(tx: Tx, clock: Clock, event: NewEvent): Promise<FleetEvent> {
  const { kind, actor, app, node, instance, message, next, details } = event;
  const atMs = clock.nowMs();
  const row = await tx
    .insertInto('events')
    .values((eb) => ({
      atMs,
      kind,
      actor,
      appId: app === undefined ? null : idOfName(eb, app),
      app: app ?? null,
      node: node ?? null,
      instance: instance ?? null,
      message: message.slice(0, MAX_MESSAGE_LENGTH),
      next: next ?? null,
      details: details === undefined ? null : JSON.stringify(details),
    }))
    .returningAll()
    .executeTakeFirstOrThrow();
  wrote.set(tx, (wrote.get(tx) ?? new Set()).add(kind));
  if (row.seq % PRUNE_EVERY === 0) await prune(tx, row.seq, atMs);
  return parseRow(eventRow, row);
}

/** Work that began before a rename still has the former name of its app. */
function idOfName(eb: ExpressionBuilder<Schema, 'events'>, name: string): Expression<string | null> {
  return eb.fn.coalesce(
    eb.selectFrom('apps').select('id').where('name', '=', name),
    eb.selectFrom('formerAppNames').select('appId').where('name', '=', name),
  );
}

/** Name of the user who did it, as events keep it. */
export async function userActor(tx: Tx, userId: UserId): Promise<string> {
  const row = await tx.selectFrom('users').select('name').where('id', '=', userId).executeTakeFirst();
  return row?.name ?? 'controller';
}

export async function appNameOf(tx: Tx, appId: AppId): Promise<string | undefined> {
  return (await tx.selectFrom('apps').select('name').where('id', '=', appId).executeTakeFirst())?.name;
}

/** Tells listeners after each commit that added events. */
export function announcing(inTransaction: InTransaction): {
  readonly inTransaction: InTransaction;
  readonly onEvents: Store['onEvents'];
} {
  const listeners = new Set<(kinds: ReadonlySet<string>) => void>();
  return {
    inTransaction: async (work) => {
      const done: { kinds?: ReadonlySet<string> | undefined } = {};
      const result = await inTransaction(async (tx) => {
        const answer = await work(tx);
        done.kinds = wrote.get(tx);
        return answer;
      });
      if (done.kinds !== undefined) for (const listener of listeners) listener(done.kinds);
      return result;
    },
    onEvents: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

async function select(tx: Tx, query: EventQuery): Promise<readonly unknown[]> {
  const { appId, ownerId, node, instance, beforeSeq, afterSeq, limit } = query;
  let rows = tx.selectFrom('events').selectAll().limit(limit);
  if (appId !== undefined) rows = rows.where('appId', '=', appId);
  if (ownerId !== undefined)
    rows = rows.where('appId', 'in', (eb) =>
      eb
        .selectFrom('apps')
        .select('apps.id')
        .where('ownerId', '=', ownerId)
        .union(eb.selectFrom('destroyedApps').select('destroyedApps.appId as id').where('ownerId', '=', ownerId)),
    );
  if (node !== undefined) rows = rows.where('node', '=', node);
  if (instance !== undefined) rows = rows.where('instance', '=', instance);
  if (beforeSeq !== undefined) rows = rows.where('seq', '<', beforeSeq);
  if (afterSeq !== undefined) rows = rows.where('seq', '>', afterSeq);
  return await rows.orderBy('seq', afterSeq === undefined ? 'desc' : 'asc').execute();
}

async function prune(tx: Tx, newest: number, nowMs: number): Promise<void> {
  const oldest = tx
    .selectFrom('events')
    .select('seq')
    .orderBy('seq')
    .limit(PRUNE_EVERY * 5);
  await tx
    .deleteFrom('events')
    .where('seq', 'in', oldest)
    .where((or) => or.or([or('seq', '<=', newest - KEEP_ROWS), or('atMs', '<', nowMs - KEEP_MS)]))
    .execute();
}
