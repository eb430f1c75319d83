import type { Assignment, DesiredState, DestroyedApp, Epoch, Route } from '../../shared/domain/assignment.ts';
import { isRouted } from '../../shared/domain/assignment.ts';
import { effectiveChecks, type HealthCheck } from '../../shared/domain/health-check.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';

/** The database rows of one node at one generation. */
export interface DesiredRows {
  readonly epoch: Epoch;
  readonly generation: number;
  readonly assignments: readonly AssignmentRow[];
  readonly apps: ReadonlyMap<AppId, App>;
  /** The key is {@link releaseKey}. */
  readonly releases: ReadonlyMap<string, Release>;
  readonly destroyed?: readonly DestroyedApp[] | undefined;
  /** The default hostname of an app is `<app>.<baseDomain>`. */
  readonly baseDomain: string;
}

export function releaseKey({ appId, release }: { readonly appId: AppId; readonly release: number }): string {
  return `${appId} v${String(release)}`;
}

/**
 * Builds the whole desired state of a node. Pure. Equal rows in any order give an equal state, because agents refuse two different states
 * of one generation.
 * @throws SLIP_DISPATCH_ROWS when an assignment names a release, app or process type that does not exist
 */
export function assembleDesiredState(rows: DesiredRows): DesiredState {
  const assignments = rows.assignments
    .map((row) => completeAssignment(row, rows))
    .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  return {
    epoch: rows.epoch,
    generation: rows.generation,
    assignments,
    routes: routesOf(assignments, rows.baseDomain),
    massStopReason: massStopReason(assignments),
    ...(rows.destroyed === undefined || rows.destroyed.length === 0 ? {} : { destroyed: rows.destroyed }),
  };
}

function completeAssignment(row: AssignmentRow, rows: DesiredRows): Assignment {
  const app = rows.apps.get(row.appId);
  const release = rows.releases.get(releaseKey(row));
  const command = release?.slug.processTypes[row.processType];
  if (app === undefined || release === undefined || command === undefined) throw missing(row);
  const { instanceId, processType, ordinal, limits, desired } = row;
  const { layers, stack, commit } = release.slug;
  return {
    ...{ instanceId, processType, ordinal, limits, desired },
    ...{ appId: app.id, app: app.name, uidBase: app.uidBase },
    ...{ release: release.version, config: release.config },
    ...{ command, layers, stack, commit },
    ...checksOf(release, processType),
  };
}

function checksOf(release: Release, type: string): { readonly checks?: readonly HealthCheck[] } {
  const checks = ownProperty(effectiveChecks(release.slug.checks, release.checks), type) ?? [];
  return checks.length === 0 ? {} : { checks };
}

/** Routes of every app with web instances on the node. Stopping instances count, because the proxy checks which instances are alive. */
function routesOf(assignments: readonly Assignment[], baseDomain: string): readonly Route[] {
  const byHost = new Map(
    assignments
      .filter(isRouted)
      .map(({ appId, app }) => [`${app}.${baseDomain}`, { hostname: `${app}.${baseDomain}`, appId, app }]),
  );
  return [...byHost.values()].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
}

/**
 * Why the node has to stop many instances. Rows marked `stop` are a stored decision. Instances that are only missing give no reason, and
 * the agent then refuses to stop many at once.
 */
function massStopReason(assignments: readonly Assignment[]): string {
  const stops = new Map<string, number>();
  for (const { app, release, desired } of assignments) {
    const key = `${app} v${String(release)}`;
    if (desired === 'stop') stops.set(key, (stops.get(key) ?? 0) + 1);
  }
  return [...stops]
    .map(([key, count]) => `stop ${String(count)} of ${key}`)
    .sort()
    .slice(0, 20)
    .join(', ');
}

function missing(row: AssignmentRow): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DISPATCH_ROWS',
    kind: 'bug',
    message: `Instance ${row.instanceId} refers to ${releaseKey(row)} (${row.processType}), which is not in the database.`,
  });
}
