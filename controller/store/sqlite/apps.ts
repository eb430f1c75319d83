import { createHash } from 'node:crypto';
import { changedNames } from '../../../shared/domain/changed-names.ts';
import { ownProperty } from '../../../shared/kit/own-property.ts';
import { sealAll, type ConfigVars } from '../../../shared/kit/sensitive.ts';
import type { NewEvent } from '../../../shared/domain/event.ts';
import type { AppId, UserId } from '../../../shared/domain/ids.ts';
import type { ConfigCipher } from '../../secrets/config-cipher.ts';
import type { Store } from '../port.ts';
import { nameTaken, ownerOfFormerName } from './former-names.ts';
import { takeAppName } from './kept-names.ts';
import { drawUidRange } from './uid-ranges.ts';
import { appNameOf, insertEvent, userActor } from './events.ts';
import { requireQuota } from './quotas.ts';
import { unlessTaken, type RepositoryDeps } from './repository.ts';
import { appRow, parseRow, parseRowIfAny } from './rows.ts';
import type { Tx } from './schema.ts';

type Apps = Pick<Store, 'createApp' | 'appByName' | 'appById'>;
const REVISION_LETTERS = 32;

type Settings = Pick<Store, 'config' | 'configRevision' | 'setConfig'>;

export function createApps({ inTransaction, clock, randomId, quotas }: RepositoryDeps): Apps {
  return {
    createApp: ({ id = randomId(), name, ownerId, stack }) =>
      inTransaction(async (tx) => {
        await requireQuota(tx, quotas, { userId: ownerId, name: 'apps' });
        const uidBase = await drawUidRange(tx);
        const nowMs = clock.nowMs();
        if ((await ownerOfFormerName(tx, name, nowMs)) !== undefined) throw nameTaken(name);
        await takeAppName({ tx, clock }, name, ownerId);
        const nothing = { lostAfterMs: null, releasesKept: null, stopped: null, lock: null, maintenance: 0 };
        const row = { id, name, ownerId, uidBase, stack, createdAtMs: nowMs, ...nothing };
        await unlessTaken(tx.insertInto('apps').values(row).execute(), () => nameTaken(name));
        const actor = await userActor(tx, ownerId);
        await insertEvent(tx, clock, {
          kind: 'app.created',
          actor,
          app: name,
          message: `App ${name} was created.`,
          next: 'git push slipway main',
        });
        return parseRow(appRow, row);
      }),
    appByName: (name) =>
      inTransaction(async (tx) => {
        return parseRowIfAny(
          appRow,
          await tx.selectFrom('apps').selectAll().where('name', '=', name).executeTakeFirst(),
        );
      }),
    appById: (id) =>
      inTransaction(async (tx) => {
        return parseRowIfAny(appRow, await tx.selectFrom('apps').selectAll().where('id', '=', id).executeTakeFirst());
      }),
  };
}

/** Sets all variables of the app to those of a release. */
export async function replaceConfig(
  { tx, cipher }: { readonly tx: Tx; readonly cipher: ConfigCipher },
  appId: AppId,
  config: ConfigVars,
): Promise<void> {
  const before = await readConfig(tx, cipher, appId);
  for (const name of changedNames(before, config))
    await setVar(tx, cipher, { appId, name, value: ownProperty(config, name)?.reveal() });
}

export function createSettings({ inTransaction, clock, cipher }: RepositoryDeps): Settings {
  return {
    config: (appId) => inTransaction((tx) => readConfig(tx, cipher, appId)),
    configRevision: (appId) => inTransaction((tx) => readRevision(tx, appId)),
    setConfig: (appId, changes, by) =>
      inTransaction(async (tx) => {
        for (const [name, value] of Object.entries(changes)) await setVar(tx, cipher, { appId, name, value });
        await insertEvent(tx, clock, await configEvent(tx, { appId, changes, by }));
        return await readConfig(tx, cipher, appId);
      }),
  };
}

/** Names only: values are secrets. */
async function configEvent(
  tx: Tx,
  change: {
    readonly appId: AppId;
    readonly changes: Readonly<Record<string, string | undefined>>;
    readonly by: UserId | undefined;
  },
): Promise<NewEvent> {
  const app = await appNameOf(tx, change.appId);
  const removed = Object.values(change.changes).every((value) => value === undefined);
  return {
    kind: removed ? 'config.unset' : 'config.set',
    actor: change.by === undefined ? 'controller' : await userActor(tx, change.by),
    app,
    message: `Config vars were ${removed ? 'removed' : 'set'}: ${Object.keys(change.changes).sort().join(', ')}.`,
    next: `slipway config -a ${app ?? ''}`,
  };
}

async function setVar(
  tx: Tx,
  cipher: ConfigCipher,
  { appId, name, value }: { appId: AppId; name: string; value: string | undefined },
): Promise<void> {
  if (value === undefined) {
    await tx.deleteFrom('configVars').where('appId', '=', appId).where('name', '=', name).execute();
    return;
  }
  const { keyId, text } = cipher.seal(value, { appId, name });
  await tx
    .insertInto('configVars')
    .values({ appId, name, value: text, keyId })
    .onConflict((conflict) => conflict.columns(['appId', 'name']).doUpdateSet({ value: text, keyId }))
    .execute();
}

async function readConfig(tx: Tx, cipher: ConfigCipher, appId: AppId): Promise<ConfigVars> {
  const rows = await tx
    .selectFrom('configVars')
    .select(['name', 'value', 'keyId'])
    .where('appId', '=', appId)
    .orderBy('name')
    .execute();
  return sealAll(
    Object.fromEntries(
      rows.map(({ name, value, keyId }) => [name, cipher.open({ keyId, text: value }, { appId, name })]),
    ),
  );
}

/** A hash of the encrypted values. Each encryption gives another text, also for the same value. */
async function readRevision(tx: Tx, appId: AppId): Promise<string> {
  const rows = tx.selectFrom('configVars').select(['name', 'value']).where('appId', '=', appId).orderBy('name');
  const texts = (await rows.execute()).map(({ name, value }) => [name, value]);
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, REVISION_LETTERS);
}
