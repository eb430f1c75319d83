import { NO_BUILD_SETTINGS, type BuildSettings } from '../../../shared/domain/build-settings.ts';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { BuildSettingsStore } from '../build-settings-port.ts';
import type { RepositoryDeps } from './repository.ts';
import { buildSettingsRow, parseRowIfAny } from './rows.ts';
import type { Tx } from './schema.ts';

export function createBuildSettings({ inTransaction }: RepositoryDeps): BuildSettingsStore {
  return {
    buildSettings: (appId) => inTransaction((tx) => read(tx, appId)),
    changeBuildSettings: (appId, change) =>
      inTransaction(async (tx) => {
        const { root, buildpacks } = change(await read(tx, appId));
        const columns = { root: root ?? null, buildpacks: JSON.stringify(buildpacks) };
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
    .select(['root', 'buildpacks'])
    .where('appId', '=', appId)
    .executeTakeFirst();
  return parseRowIfAny(buildSettingsRow, row) ?? NO_BUILD_SETTINGS;
}
