import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { ensureDir } from '../../shared/kit/atomic-file.ts';

/** Pure: the apps that this node knows, by their present names. */
export function appIdsByName(
  desired: DesiredState | undefined,
  fleet: FleetRoutes | undefined,
): ReadonlyMap<string, AppId> {
  const known = [...(desired?.assignments ?? []), ...(desired?.routes ?? []), ...(fleet?.apps ?? [])];
  return new Map(known.map(({ app, appId }) => [app, appId]));
}

/**
 * Older agents had one folder for each name of an app. Each becomes the folder of the app with this name now. The others are removed,
 * because their app is unknown.
 */
export async function moveFormerLogs(former: string, dir: string, appIds: ReadonlyMap<string, AppId>): Promise<void> {
  const names = await readdir(former).catch(() => []);
  await ensureDir(dir, 0o750);
  for (const name of names) {
    const appId = appIds.get(name);
    if (appId !== undefined) await rename(join(former, name), join(dir, appId)).catch(() => undefined); // the app already has a folder
  }
  await rm(former, { recursive: true, force: true });
}
