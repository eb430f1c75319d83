import type { AppId } from '../../../shared/domain/ids.ts';
import { RELEASE_STATES, transition, type ReleaseState } from '../../../shared/domain/states.ts';
import type { NewRelease, Release } from '../../domain/releases.ts';
import type { ConfigCipher } from '../../secrets/config-cipher.ts';
import type { Store } from '../port.ts';
import { replaceConfig } from './apps.ts';
import { applyAssignmentChange } from './assignments.ts';
import { insertDueScripts } from './due-scripts.ts';
import { readHealthChecks, replaceHealthChecks } from './health-checks.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { noteCreated, noteCurrent, noteFailed } from './release-events.ts';
import { parseReleaseIfAny, parseReleases, sealReleaseConfig } from './release-rows.ts';
import { digestColumn, parseRow } from './rows.ts';
import type { Tx } from './schema.ts';

type Releases = Pick<
  Store,
  'createRelease' | 'release' | 'currentRelease' | 'releases' | 'unfinishedReleases' | 'imagesInUse'
>;
type Rollouts = Pick<Store, 'beginRollout' | 'completeRollout' | 'failRelease'>;

export function createReleases({ inTransaction, clock, cipher }: RepositoryDeps): Releases {
  return {
    createRelease: (release) =>
      inTransaction(async (tx) => {
        const made = await insertRelease({ tx, cipher }, release, clock.nowMs());
        await noteCreated({ tx, clock }, made);
        return made;
      }),
    release: (appId, version) => inTransaction(async (tx) => await find({ tx, cipher }, appId, version)),
    currentRelease: (appId) => inTransaction((tx) => findCurrent({ tx, cipher }, appId)),
    releases: (appId, limit) =>
      inTransaction(async (tx) => {
        const newest = tx
          .selectFrom('releases')
          .selectAll()
          .where('appId', '=', appId)
          .orderBy('version', 'desc')
          .limit(limit);
        return parseReleases(cipher, await newest.execute());
      }),
    unfinishedReleases: () =>
      inTransaction(async (tx) => {
        const open = tx.selectFrom('releases').selectAll().where('state', 'in', ['pending', 'deploying']);
        return parseReleases(cipher, await open.orderBy('appId').orderBy('version').execute());
      }),
    imagesInUse: () =>
      inTransaction(async (tx) => {
        const rows = await tx.selectFrom('releaseImages').select('digest').distinct().execute();
        return new Set(rows.map((row) => parseRow(digestColumn, row.digest)));
      }),
  };
}

export function createRollouts({ inTransaction, clock, cipher }: RepositoryDeps): Rollouts {
  return {
    beginRollout: (appId, version, change) =>
      inTransaction(async (tx) => {
        await move(tx, await mustFind({ tx, cipher }, appId, version), 'deploying');
        await applyAssignmentChange(tx, change);
      }),
    completeRollout: (appId, version, change) =>
      inTransaction(async (tx) => {
        const release = await mustFind({ tx, cipher }, appId, version);
        const former = await findCurrent({ tx, cipher }, appId);
        if (former !== undefined && former.version !== version) await move(tx, former, 'superseded');
        await move(tx, release, 'current');
        await takeSettings({ tx, cipher }, release, release);
        await insertDueScripts(tx, release, former === undefined && !(await wasLive(tx, appId)));
        await noteCurrent({ tx, clock }, release);
        await applyAssignmentChange(tx, change);
      }),
    failRelease: (appId, version, ...[failure, change, restore]) =>
      inTransaction(async (tx) => {
        const release = await mustFind({ tx, cipher }, appId, version);
        await move(tx, release, 'failed');
        await tx
          .updateTable('releases')
          .set({ failure: JSON.stringify(failure), pinned: 0 })
          .where('appId', '=', appId)
          .where('version', '=', version)
          .execute();
        await tx.deleteFrom('releaseImages').where('appId', '=', appId).where('version', '=', version).execute();
        await noteFailed({ tx, clock }, release, { failure, restored: restore });
        if (restore !== undefined) {
          const restored = await mustFind({ tx, cipher }, appId, restore);
          await move(tx, restored, 'current');
          await takeSettings({ tx, cipher }, release, restored);
        }
        await applyAssignmentChange(tx, change);
      }),
  };
}

/** A transaction that reads releases. */
interface Reading {
  readonly tx: Tx;
  readonly cipher: ConfigCipher;
}

/** Sets the settings of the app that this release changes to their values in `from`: the release itself, or the one that serves again. */
async function takeSettings({ tx, cipher }: Reading, { appId, cause }: Release, from: Release): Promise<void> {
  if (cause === 'rollback') await replaceConfig({ tx, cipher }, appId, from.config);
  if (cause === 'rollback' || cause === 'settings') await replaceHealthChecks(tx, appId, from.checks ?? {});
}

/** max + 1 inside the transaction, and the newest release is never removed: new numbers have no gap and no number is used twice. */
async function insertRelease({ tx, cipher }: Reading, release: NewRelease, createdAtMs: number): Promise<Release> {
  const { appId } = release;
  const { latest } = await tx
    .selectFrom('releases')
    .select((eb) => eb.fn.max<number | null>('version').as('latest'))
    .where('appId', '=', appId)
    .executeTakeFirstOrThrow();
  const version = (latest ?? 0) + 1;
  const checks = release.checks ?? (await readHealthChecks(tx, appId));
  await tx
    .insertInto('releases')
    .values({
      appId,
      version,
      state: 'pending',
      slug: JSON.stringify(release.slug),
      ...sealReleaseConfig(cipher, { ...release, version }),
      buildId: release.buildId ?? null,
      userId: release.userId,
      description: release.description,
      ref: release.ref ?? null,
      cause: release.cause,
      sourceVersion: release.sourceVersion ?? null,
      createdAtMs,
      checks: Object.keys(checks).length === 0 ? null : JSON.stringify(checks),
    })
    .execute();
  const digests = [...new Set(release.slug.layers.map((layer) => layer.digest))];
  await tx
    .insertInto('releaseImages')
    .values(digests.map((digest) => ({ digest, appId, version })))
    .execute();
  return await mustFind({ tx, cipher }, appId, version);
}

async function find({ tx, cipher }: Reading, appId: AppId, version: number): Promise<Release | undefined> {
  const query = tx.selectFrom('releases').selectAll().where('appId', '=', appId).where('version', '=', version);
  return parseReleaseIfAny(cipher, await query.executeTakeFirst());
}

async function findCurrent({ tx, cipher }: Reading, appId: AppId): Promise<Release | undefined> {
  const query = tx.selectFrom('releases').selectAll().where('appId', '=', appId).where('state', '=', 'current');
  return parseReleaseIfAny(cipher, await query.executeTakeFirst());
}

/** Whether a release of the app was current and another one took its place. */
async function wasLive(tx: Tx, appId: AppId): Promise<boolean> {
  const former = tx.selectFrom('releases').select('version').where('appId', '=', appId);
  return (await former.where('state', '=', 'superseded').limit(1).executeTakeFirst()) !== undefined;
}

async function mustFind(reading: Reading, appId: AppId, version: number): Promise<Release> {
  const release = await find(reading, appId, version);
  if (release === undefined) throw notFound(`release v${version}`);
  return release;
}

async function move(tx: Tx, release: Release, to: ReleaseState): Promise<void> {
  await tx
    .updateTable('releases')
    .set({ state: transition(RELEASE_STATES, release.state, to) })
    .where('appId', '=', release.appId)
    .where('version', '=', release.version)
    .execute();
}
