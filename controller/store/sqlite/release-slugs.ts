import { sql } from 'kysely';
import { z } from 'zod';
import { SLUGS_KEPT } from '../../../shared/domain/history.ts';
import { isDigest, type AppId } from '../../../shared/domain/ids.ts';
import type { KeptRelease, KeptReleases } from '../../domain/releases.ts';
import type { ReleaseStore } from '../release-port.ts';
import { checkPin, planSlugRemoval, releaseUnknown } from '../slug-plan.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { appRow, parseRow, parseRows, releaseRow } from './rows.ts';
import type { Tx } from './schema.ts';

type Slugs = Omit<ReleaseStore, 'appendReleaseOutput' | 'releaseOutput'>;

const keptRow = releaseRow.pick({ version: true, state: true, pinned: true }).extend({
  digests: z
    .string()
    .nullable()
    .transform((text) => (text ?? '').split(',').filter(isDigest).sort()),
});

export function createReleaseSlugs({ inTransaction }: RepositoryDeps): Slugs {
  return {
    keptReleases: (appId) => inTransaction((tx) => readReleases(tx, appId)),
    setSlugsKept: (appId, slugs) =>
      inTransaction(async (tx) => {
        await tx
          .updateTable('apps')
          .set({ releasesKept: slugs ?? null })
          .where('id', '=', appId)
          .execute();
      }),
    pinRelease: (appId, version, pinned) =>
      inTransaction(async (tx) => {
        const app = await tx.selectFrom('apps').select('name').where('id', '=', appId).executeTakeFirst();
        if (app === undefined) throw notFound('app');
        const releases = await readReleases(tx, appId);
        if (pinned) checkPin(app.name, releases, version);
        else if (releases.every((each) => each.version !== version)) throw releaseUnknown(app.name, version);
        await tx
          .updateTable('releases')
          .set({ pinned: pinned ? 1 : 0 })
          .where('appId', '=', appId)
          .where('version', '=', version)
          .execute();
      }),
    removeSlugs: (appId) =>
      inTransaction(async (tx) => {
        const versions = planSlugRemoval(await readKept(tx, appId));
        await removeImages(tx, appId, versions);
        return versions.length;
      }),
    keptCommits: (appId) =>
      inTransaction(async (tx) => {
        const rows = sql<{ commit: string }>`select distinct json_extract(slug, '$.commit') as "commit" from releases
          where app_id = ${appId} and ref is not null and exists (select 1 from release_images
            where release_images.app_id = releases.app_id and release_images.version = releases.version)`;
        return new Set((await rows.execute(tx)).rows.map(({ commit }) => commit));
      }),
    planSlugRemovals: () => inTransaction((tx) => planRemovals(tx)),
  };
}

async function removeImages(tx: Tx, appId: AppId, versions: readonly number[]): Promise<void> {
  for (const version of versions)
    await tx.deleteFrom('releaseImages').where('appId', '=', appId).where('version', '=', version).execute();
}

async function planRemovals(tx: Tx): ReturnType<Slugs['planSlugRemovals']> {
  const apps = parseRows(appRow, await tx.selectFrom('apps').selectAll().orderBy('name').execute());
  const removals = [];
  const inUse = new Set<KeptRelease['digests'][number]>();
  for (const { id, name } of apps) {
    const kept = await readKept(tx, id);
    const versions = new Set(planSlugRemoval(kept));
    const removed = kept.releases.filter(({ version }) => versions.has(version));
    for (const release of kept.releases)
      if (!versions.has(release.version)) for (const digest of release.digests) inUse.add(digest);
    if (removed.length > 0) removals.push({ app: name, releases: removed });
  }
  return { removals, inUse };
}

async function readKept(tx: Tx, appId: AppId): Promise<KeptReleases> {
  const app = await tx.selectFrom('apps').selectAll().where('id', '=', appId).executeTakeFirst();
  const releases = await readReleases(tx, appId);
  const rows = await tx.selectFrom('assignments').select('release').distinct().where('appId', '=', appId).execute();
  const slugsKept = app === undefined ? SLUGS_KEPT : (parseRow(appRow, app).releasesKept ?? SLUGS_KEPT);
  return { releases, placed: new Set(rows.map((row) => row.release)), slugsKept };
}

/** The history of an app has a limited length, so this reads a limited number of rows. */
async function readReleases(tx: Tx, appId: AppId): Promise<readonly KeptRelease[]> {
  const digests = sql`(select group_concat(digest) from release_images
    where release_images.app_id = releases.app_id and release_images.version = releases.version)`;
  const rows = sql`select version, state, pinned, ${digests} as digests from releases
    where app_id = ${appId} order by version`;
  return parseRows(keptRow, (await rows.execute(tx)).rows);
}
