import type { SwitchReport } from '../../../shared/domain/switch-figures.ts';
import type { Formation } from '../../../shared/domain/placement.ts';
import { parseAppName } from '../../../shared/domain/names.ts';
import { wantedCounts } from '../../../shared/domain/placement.ts';
import { slugSizeBytes } from '../../../shared/domain/slug.ts';
import { revealAll } from '../../../shared/kit/sensitive.ts';
import type { App } from '../../domain/apps.ts';
import { listedOwner } from '../../access/policy.ts';
import type { User } from '../../domain/users.ts';
import { switchReportOf } from '../../release/switch-report.ts';
import { drawAppName } from '../app-name.ts';
import type { ApiDeps } from '../deps.ts';
import { userNames } from '../user-names.ts';

type Store = Pick<ApiDeps, 'store'>;

export interface OwnedApp {
  readonly app: App;
  readonly owner: string;
}

export interface AppPage {
  readonly apps: readonly OwnedApp[];
  /** `after` of the next page; absent on the last one. */
  readonly next: string | undefined;
}

/** One page of the apps that a user may see. */
export async function listApps(
  { store }: Store,
  { user, limit, after }: { readonly user: User; readonly limit: number; readonly after?: string | undefined },
): Promise<AppPage> {
  const apps = await store.appPage({ limit, after, ownerId: listedOwner(user) });
  const ownerIds = apps.map((app) => app.ownerId);
  const nameOf = await userNames(store, ownerIds);
  return {
    apps: apps.map((app) => ({ app, owner: nameOf(app.ownerId) })),
    next: apps.length === limit ? apps.at(-1)?.name : undefined,
  };
}

/** Without a name, the app gets one. @throws SLIP_NAME_APP */
export async function createApp(
  { store }: Store,
  { user, name, stack }: { readonly user: User; readonly name?: string | undefined; readonly stack: string },
): Promise<OwnedApp> {
  const app = await store.createApp({ name: parseAppName(name ?? drawAppName()), ownerId: user.id, stack });
  return { app, owner: user.name };
}

export async function destroyApp(
  { store, destroys }: Pick<ApiDeps, 'store' | 'destroys'>,
  { app, user }: { readonly app: App; readonly user: User },
): Promise<OwnedApp> {
  const nameOf = await userNames(store, [app.ownerId]);
  await destroys.destroy(app, user.name);
  return { app, owner: nameOf(app.ownerId) };
}

type CurrentRelease = NonNullable<Awaited<ReturnType<ApiDeps['store']['currentRelease']>>>;

export interface AppDescription extends OwnedApp {
  /** Absent before the first deploy. */
  readonly release: { readonly row: CurrentRelease; readonly user: string } | undefined;
  readonly formation: Formation;
  readonly slugSizeBytes: number | undefined;
  readonly buildpacks: readonly string[];
  /** The folder that the next push builds; absent: the whole repository. */
  readonly root: string | undefined;
}

export async function describeApp({ store }: Store, app: App): Promise<AppDescription> {
  const [row, formation, { root }] = await Promise.all([
    store.currentRelease(app.id),
    store.formation(app.id),
    store.buildSettings(app.id),
  ]);
  const nameOf = await userNames(store, row === undefined ? [app.ownerId] : [app.ownerId, row.userId]);
  const owned = { app, owner: nameOf(app.ownerId), root };
  if (row === undefined) return { ...owned, release: undefined, formation, slugSizeBytes: undefined, buildpacks: [] };
  return {
    ...owned,
    release: { row, user: nameOf(row.userId) },
    formation: wantedCounts(row.slug.processTypes, formation),
    slugSizeBytes: slugSizeBytes(row.slug),
    buildpacks: row.slug.buildpacks,
  };
}

export interface ChangedConfig {
  /** All variables after the change. */
  readonly config: Readonly<Record<string, string>>;
  /** The release that the change made; absent when it made none. */
  readonly version?: number | undefined;
  readonly changed: readonly string[];
  readonly switch?: SwitchReport | undefined;
}

/** `null` removes a variable. */
export async function changeConfig(
  { store, log, releases }: Pick<ApiDeps, 'store' | 'log' | 'releases'>,
  {
    app,
    user,
    vars,
    revision,
  }: {
    readonly app: App;
    readonly user: User;
    readonly vars: Readonly<Record<string, string | null>>;
    readonly revision?: string | undefined;
  },
): Promise<ChangedConfig> {
  const changes = Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, value ?? undefined]));
  const { version, changed } = await releases.setConfig(app, user.id, { changes, revision });
  const switched =
    version === undefined ? undefined : await switchReportOf({ store, log }, { appId: app.id, release: version });
  return { config: revealAll(await store.config(app.id)), version, changed, switch: switched };
}
