import type { AppId } from '../../shared/domain/ids.ts';
import { isInRange } from '../../shared/domain/uid-range.ts';
import type { NamedApp } from './port.ts';

/** The leftovers of each app. */
export function byApp(
  apps: readonly NamedApp[],
  leftOf: (app: NamedApp) => readonly string[],
): ReadonlyMap<AppId, readonly string[]> {
  return new Map(apps.map((app) => [app.appId, leftOf(app)]));
}

/** The leftovers of each app, one app after the other. */
export async function byAppInTurn(
  apps: readonly NamedApp[],
  leftOf: (app: NamedApp) => Promise<readonly string[]>,
): Promise<ReadonlyMap<AppId, readonly string[]>> {
  const left = new Map<AppId, readonly string[]>();
  for (const app of apps) left.set(app.appId, await leftOf(app));
  return left;
}

/** Whether a user or group id of the host is in the range of the app. */
export function isIdOf({ uidBase }: Pick<NamedApp, 'uidBase'>, id: number): boolean {
  return uidBase !== 0 && isInRange(id, uidBase);
}
