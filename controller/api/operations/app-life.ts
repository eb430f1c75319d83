import type { MaintenanceBody } from '../../../shared/api/app-life.ts';
import type { ProblemBody } from '../../../shared/api/schema.ts';
import type { Maintenance } from '../../../shared/domain/fleet-routes.ts';
import { parseAppName } from '../../../shared/domain/names.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import { maintenanceProblems, requireAgentsForRename } from '../older-agents.ts';
import type { ApiDeps } from '../deps.ts';
import { routeProblems } from '../route-problems.ts';
import { userNames } from '../user-names.ts';
import type { OwnedApp } from './apps.ts';

type LifeDeps = Pick<ApiDeps, 'store' | 'fleet' | 'failpoint'>;

interface Change {
  readonly app: App;
  readonly user: User;
}

/**
 * One transaction changes the name. Then every node gets the new name and the new routes. The answer waits for the routes.
 * @throws SLIP_NAME_APP, SLIP_APP_EXISTS, SLIP_APP_SAME_NAME, SLIP_APP_RENAME_AGENTS
 */
export async function renameApp(
  { store, fleet, failpoint }: LifeDeps,
  { app, user, name, signal }: Change & { readonly name: string; readonly signal: AbortSignal },
): Promise<OwnedApp & { readonly problems: readonly ProblemBody[] }> {
  const parsed = parseAppName(name);
  const rows = await store.assignmentsOfApp(app.id);
  const holders = new Set(rows.map((row) => row.nodeId));
  const running = fleet.nodes().filter(({ nodeId }) => holders.has(nodeId));
  requireAgentsForRename(app.name, running);
  const { app: renamed, nodes } = await store.renameApp(app.id, parsed, { by: user.name });
  await failpoint('app.renamed');
  await Promise.all(nodes.map((node) => fleet.publish(node)));
  await fleet.routesApplied(app.id, signal);
  const nameOf = await userNames(store, [app.ownerId]);
  return { app: renamed, owner: nameOf(app.ownerId), problems: routeProblems(fleet.nodes()) };
}

/** The answer waits until every proxy follows. Open requests continue. @param maintenance undefined ends it @throws SLIP_MAINTENANCE_PAGES */
export async function setMaintenance(
  deps: LifeDeps,
  {
    app,
    user,
    maintenance,
    signal,
  }: Change & { readonly maintenance: Maintenance | undefined; readonly signal: AbortSignal },
): Promise<MaintenanceBody> {
  const { store, fleet, failpoint } = deps;
  const after = await store.setMaintenance(app.id, maintenance, { by: user.name });
  await failpoint('app.maintenanceSet');
  await fleet.routesApplied(app.id, signal);
  const now = await describeMaintenance(deps, after);
  return { ...now, problems: [...now.problems, ...routeProblems(fleet.nodes())] };
}

export async function describeMaintenance(
  { store, fleet }: Pick<ApiDeps, 'store' | 'fleet'>,
  { id, name, maintenance = false }: App,
): Promise<MaintenanceBody> {
  const problems = maintenance ? maintenanceProblems(name, fleet.nodes()) : [];
  return { maintenance, pageBytes: await store.maintenancePageBytes(id), problems };
}

/** A lock replaces an earlier one. */
export async function lockApp(
  { store }: Pick<ApiDeps, 'store'>,
  { app, user, why }: Change & { readonly why: string },
): Promise<NonNullable<App['lock']>> {
  const { lock } = await store.setLock(app.id, { why, by: user.name }, { by: user.name });
  if (lock === undefined) throw new Error('The lock was not stored.');
  return lock;
}

export async function unlockApp({ store }: Pick<ApiDeps, 'store'>, { app, user }: Change): Promise<void> {
  await store.setLock(app.id, undefined, { by: user.name });
}
