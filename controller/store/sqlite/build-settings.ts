import { z } from 'zod';
import { NO_BUILD_SETTINGS, type BuildLimits, type BuildSettings } from '../../../shared/domain/build-settings.ts';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { ConfigCipher, Place } from '../../secrets/config-cipher.ts';
import type { BuildSettingsStore } from '../build-settings-port.ts';
import type { RepositoryDeps } from './repository.ts';
import { parseRow } from './rows.ts';
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

export function createBuildSettings({ inTransaction, cipher }: RepositoryDeps): BuildSettingsStore {
  return {
    buildSettings: (appId) => inTransaction((tx) => read(tx, cipher, appId)),
    changeBuildSettings: (appId, change) =>
      inTransaction(async (tx) => {
        const { root, buildpacks, limits = {}, cacheNumber = 0 } = change(await read(tx, cipher, appId));
        const { memoryBytes = null, diskBytes = null, timeoutMs = null } = limits;
        const { keyId: buildpacksKeyId, text } = cipher.seal(JSON.stringify(buildpacks), placeOfBuildpacks(appId));
        const columns = {
          ...{ root: root ?? null, buildpacks: text, buildpacksKeyId },
          ...{ memoryBytes, diskBytes, timeoutMs, cacheNumber },
        };
        await tx
          .insertInto('buildSettings')
          .values({ appId, ...columns })
          .onConflict((conflict) => conflict.column('appId').doUpdateSet(columns))
          .execute();
        return await read(tx, cipher, appId);
      }),
  };
}

/** A URL of a buildpack can have a password. */
export function placeOfBuildpacks(appId: string): Place {
  return { appId, setting: 'buildpacks' };
}

async function read(tx: Tx, cipher: ConfigCipher, appId: AppId): Promise<BuildSettings> {
  const row = await tx
    .selectFrom('buildSettings')
    .select(['root', 'buildpacks', 'buildpacksKeyId', 'memoryBytes', 'diskBytes', 'timeoutMs', 'cacheNumber'])
    .where('appId', '=', appId)
    .executeTakeFirst();
  if (row === undefined) return NO_BUILD_SETTINGS;
  const { buildpacksKeyId: keyId, buildpacks: text, ...own } = row;
  const buildpacks = cipher.open({ keyId, text }, placeOfBuildpacks(appId));
  return parseRow(buildSettingsRow, { ...own, buildpacks });
}
