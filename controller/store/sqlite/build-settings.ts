import { z } from 'zod';
import { NO_BUILD_SETTINGS, type BuildLimits, type BuildSettings } from '../../../shared/domain/build-settings.ts';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { BuildSettingsStore } from '../build-settings-port.ts';
import type { RepositoryDeps } from './repository.ts';
import { parseRowIfAny } from './rows.ts';
import type { Tx } from './schema.ts';

const limit = z.number().int().nullable();

const buildSettingsRow = z
  .strictObject({
    root: z.string().nullable(),
    buildpacks: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(z.array(z.string())),
    ...{ memoryBytes: limit, diskBytes: limit, timeoutMs: limit },
    cacheNumber: z.number().int(),
  })
  .transform(({ root, buildpacks, cacheNumber, ...own }): BuildSettings => {
    const limits: BuildLimits = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== null));
    return {
      ...{ root: root ?? undefined, buildpacks },
      ...(Object.keys(limits).length === 0 ? {} : { limits }),
      ...(cacheNumber === 0 ? {} : { cacheNumber }),
    };
  });

export function createBuildSettings({ inTransaction }: RepositoryDeps): BuildSettingsStore {
  return {
    buildSettings: (appId) => inTransaction((tx) => read(tx, appId)),
    changeBuildSettings: (appId, change) =>
      inTransaction(async (tx) => {
        const { root, buildpacks, limits = {}, cacheNumber = 0 } = change(await read(tx, appId));
        const { memoryBytes = null, diskBytes = null, timeoutMs = null } = limits;
        const columns = {
          ...{ root: root ?? null, buildpacks: JSON.stringify(buildpacks) },
          ...{ memoryBytes, diskBytes, timeoutMs, cacheNumber },
        };
        await tx
          .insertInto('buildSettings')
          .values({ appId, ...columns })
          .onConflict((conflict) => conflict.column('appId').doUpdateSet(columns))
          .execute();
        return await read(tx, appId);
      }),
  };
}

async function read(tx: Tx, appId: AppId): Promise<BuildSettings> {
  const row = await tx
    .selectFrom('buildSettings')
    .select(['root', 'buildpacks', 'memoryBytes', 'diskBytes', 'timeoutMs', 'cacheNumber'])
    .where('appId', '=', appId)
    .executeTakeFirst();
  return parseRowIfAny(buildSettingsRow, row) ?? NO_BUILD_SETTINGS;
}
