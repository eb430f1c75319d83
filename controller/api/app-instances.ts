import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { InstanceBody } from '../../shared/api/formation.ts';
import type { LookDeps } from './deps.ts';
import { viewInstance } from './views.ts';

/** Every instance of an app: its assignment, together with the latest report of its node. */
export async function instancesOf(deps: LookDeps, app: App): Promise<readonly InstanceBody[]> {
  return await describeInstances(deps, {
    app,
    rows: await deps.store.assignmentsOfApp(app.id),
    nodes: await deps.store.nodes(),
  });
}

export async function describeInstances(
  { store, fleet, clock }: LookDeps,
  { app, rows, nodes }: { app: App; rows: readonly AssignmentRow[]; nodes: readonly NodeRow[] },
): Promise<readonly InstanceBody[]> {
  const names = new Map(nodes.map((node) => [node.id, node.name as string]));
  const live = new Map(fleet.nodes().map((node) => [node.nodeId, node]));
  const versions = [...new Set(rows.map((row) => row.release))];
  const releases = new Map(
    await Promise.all(versions.map(async (version) => [version, await store.release(app.id, version)] as const)),
  );
  return rows.map((row) =>
    viewInstance({
      row,
      node: live.get(row.nodeId),
      nodeName: names.get(row.nodeId) ?? 'removed node',
      status: fleet.status(row.instanceId),
      nowMs: clock.nowMs(),
      command: releases.get(row.release)?.slug.processTypes[row.processType] ?? '',
    }),
  );
}
