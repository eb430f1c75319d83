import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { NewEvent } from '../../../shared/domain/event.ts';
import type { AppId, NodeId } from '../../../shared/domain/ids.ts';
import type { AppName } from '../../../shared/domain/names.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { FORMER_NAMES_MAX, FORMER_NAME_MS, type App, type AppLock } from '../../domain/apps.ts';
import type { AppLifeStore, LifeChange } from '../app-life-port.ts';
import { nameTaken, ownerOfFormerName } from './former-names.ts';
import { takeAppName } from './kept-names.ts';
import { raiseGenerations } from './assignments.ts';
import { insertEvent } from './events.ts';
import { pageBytes, writeMaintenance } from './maintenance.ts';
import { notFound, unlessTaken, type RepositoryDeps } from './repository.ts';
import { appRow, nodeIdColumn, parseRow, parseRowIfAny } from './rows.ts';
import type { Tx } from './schema.ts';

export function createAppLife({ inTransaction, clock }: RepositoryDeps): AppLifeStore {
  return {
    renameApp: (appId, name, change) => inTransaction((tx) => rename({ tx, clock }, { appId, name, ...change })),
    appByFormerName: (name) =>
      inTransaction(async (tx) => {
        const former = await ownerOfFormerName(tx, name, clock.nowMs());
        return former === undefined ? undefined : await findApp(tx, former);
      }),
    setStopped: (appId, stopped, { by, event }) =>
      inTransaction(async (tx) => {
        const { name } = await readApp(tx, appId);
        await tx
          .updateTable('apps')
          .set({ stopped: stopped === undefined ? null : JSON.stringify(stopped) })
          .where('id', '=', appId)
          .execute();
        await insertEvent(tx, clock, { ...event, actor: by, app: name, next: `slipway ps -a ${name}` });
        return await readApp(tx, appId);
      }),
    setMaintenance: (appId, maintenance, { by }) =>
      inTransaction(async (tx) => {
        const app = await readApp(tx, appId);
        await writeMaintenance(tx, app, maintenance);
        const [kind, what] = maintenance === undefined ? ['off', 'ended'] : ['on', 'started'];
        const message = `Maintenance of ${app.name} ${what}.`;
        const event = { kind: `maintenance.${kind}`, actor: by, app: app.name, message };
        await insertEvent(tx, clock, { ...event, next: `slipway maintenance -a ${app.name}` });
        return await readApp(tx, appId);
      }),
    maintenancePageBytes: (appId) =>
      inTransaction(async (tx) => {
        const bytes = await pageBytes(tx, appId);
        return bytes === 0 ? undefined : bytes;
      }),
    setLock: (appId, lock, change) =>
      inTransaction(async (tx) => {
        const { name } = await readApp(tx, appId);
        const value = lock === undefined ? null : JSON.stringify({ ...lock, atMs: clock.nowMs() } satisfies AppLock);
        await tx.updateTable('apps').set({ lock: value }).where('id', '=', appId).execute();
        await insertEvent(tx, clock, lockEvent(name, lock, change));
        return await readApp(tx, appId);
      }),
  };
}

interface Renaming extends LifeChange {
  readonly appId: AppId;
  readonly name: AppName;
}

async function rename(
  { tx, clock }: { readonly tx: Tx; readonly clock: Clock },
  { appId, name, by }: Renaming,
): Promise<{ app: App; nodes: readonly NodeId[] }> {
  const before = await readApp(tx, appId);
  if (before.name === name) throw sameName(name);
  const nowMs = clock.nowMs();
  const owner = await ownerOfFormerName(tx, name, nowMs);
  if (owner !== undefined && owner !== appId) throw nameTaken(name);
  await takeAppName({ tx, clock }, name, before.ownerId);
  await tx.deleteFrom('formerAppNames').where('name', '=', name).execute();
  await unlessTaken(tx.updateTable('apps').set({ name }).where('id', '=', appId).execute(), () => nameTaken(name));
  await keepFormer(tx, { appId, name: before.name, nowMs });
  const nodes = await tx.selectFrom('assignments').select('nodeId').distinct().where('appId', '=', appId).execute();
  await raiseGenerations(tx, new Set(nodes.map(({ nodeId }) => nodeId)));
  await insertEvent(tx, clock, {
    kind: 'app.renamed',
    actor: by,
    app: name,
    message: `App ${before.name} was renamed to ${name}.`,
    next: `slipway git:remote -a ${name}`,
  });
  return { app: await readApp(tx, appId), nodes: nodes.map(({ nodeId }) => parseRow(nodeIdColumn, nodeId)) };
}

/** Only the newest former names of an app are kept, so that renames cannot reserve names without a limit. */
async function keepFormer(
  tx: Tx,
  { appId, name, nowMs }: { readonly appId: AppId; readonly name: AppName; readonly nowMs: number },
): Promise<void> {
  const row = { appId, untilMs: nowMs + FORMER_NAME_MS };
  await tx
    .insertInto('formerAppNames')
    .values({ name, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute();
  await tx.deleteFrom('formerAppNames').where('untilMs', '<=', nowMs).execute();
  const newest = tx
    .selectFrom('formerAppNames')
    .select('name')
    .where('appId', '=', appId)
    .orderBy('untilMs', 'desc')
    .orderBy('name')
    .limit(FORMER_NAMES_MAX);
  await tx.deleteFrom('formerAppNames').where('appId', '=', appId).where('name', 'not in', newest).execute();
}

function lockEvent(name: AppName, lock: Omit<AppLock, 'atMs'> | undefined, { by }: LifeChange): NewEvent {
  const next = `slipway apps:info -a ${name}`;
  return lock === undefined
    ? { kind: 'app.unlocked', actor: by, app: name, message: `Deploys of ${name} are allowed again.`, next }
    : { kind: 'app.locked', actor: by, app: name, message: `Deploys of ${name} are locked: ${lock.why}`, next };
}

async function findApp(tx: Tx, appId: string): Promise<App | undefined> {
  return parseRowIfAny(appRow, await tx.selectFrom('apps').selectAll().where('id', '=', appId).executeTakeFirst());
}

async function readApp(tx: Tx, appId: AppId): Promise<App> {
  const app = await findApp(tx, appId);
  if (app === undefined) throw notFound('app');
  return app;
}

function sameName(name: AppName): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_SAME_NAME',
    kind: 'conflict',
    message: `The app has the name ${name} already.`,
    hint: 'Give another name: slipway apps:rename NEW_NAME',
  });
}
