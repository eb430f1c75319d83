import { z } from 'zod';
import { followStatus } from '../follow-status.ts';
import { answerLines } from '../ndjson.ts';
import { describeInstances } from '../app-instances.ts';
import type { ApiConfig, ApiDeps, LookDeps } from '../deps.ts';
import { meshProblems } from '../mesh-status.ts';
import { userRoute, type Route } from '../route.ts';
import { statusOf, type AppFacts } from '../status.ts';
import { viewNode } from '../views.ts';
import type { App, NodeRow, User } from '../../store/port.ts';
import type { NodeBody, StatusBody } from '../../../shared/domain/api.ts';
import { hasFormerLimits } from '../../release/limit-changes.ts';
import { instanceName } from '../../../shared/domain/assignment.ts';
import { wantedCounts } from '../../../shared/domain/placement.ts';

const statusQuery = z.strictObject({ follow: z.stringbool().default(false) });

export function fleetRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  const startedAtMs = deps.clock.monotonicMs();
  return [
    userRoute({
      method: 'GET',
      url: '/nodes',
      auth: 'user',
      action: 'fleet.read',
      handle: async () => describeNodes(deps, await deps.store.nodes()),
    }),
    userRoute({
      method: 'GET',
      url: '/status',
      auth: 'user',
      action: 'fleet.read',
      query: statusQuery,
      handle: async ({ user, query: { follow }, reply, signal }) => {
        const read = (): Promise<StatusBody> => readStatus(config, deps, { user, startedAtMs });
        return follow ? answerLines(followStatus(deps, read, signal), { reply, clock: deps.clock, signal }) : await read();
      },
    }),
  ];
}

type StatusConfig = Pick<ApiConfig, 'version' | 'webUrl'>;

/** Everything that the caller may know, as one body. */
export async function readStatus(config: StatusConfig, deps: LookDeps, of: { user: User; startedAtMs: number }): Promise<StatusBody> {
  const nodes = await deps.store.nodes();
  const apps = await deps.store.appsOf(of.user);
  return statusOf({
    version: config.version,
    nowMs: deps.clock.nowMs(),
    uptimeMs: Math.round(deps.clock.monotonicMs() - of.startedAtMs),
    nodes: describeNodes(deps, nodes),
    heldNodes: deps.movement.heldNodes(),
    mesh: meshProblems(deps.fleet.nodes()),
    apps: await Promise.all(apps.map((app) => appFacts(config, deps, { app, nodes }))),
  });
}

function describeNodes(deps: LookDeps, nodes: readonly NodeRow[]): readonly NodeBody[] {
  const live = new Map(deps.fleet.nodes().map((node) => [node.nodeId, node]));
  return nodes.map((node) => viewNode(node, live.get(node.id), deps));
}

async function appFacts(config: StatusConfig, deps: LookDeps, { app, nodes }: { app: App; nodes: readonly NodeRow[] }): Promise<AppFacts> {
  const { store, formations } = deps;
  const [rows, current, formation, settings, [latest], [latestBuild]] = await Promise.all([
    store.assignmentsOfApp(app.id),
    store.currentRelease(app.id),
    store.formation(app.id),
    store.processSettings(app.id),
    store.releases(app.id, 1),
    store.builds(app.id, 1),
  ]);
  const instances = await describeInstances(deps, { app, rows, nodes });
  const wanted = wantedCounts(current?.slug.processTypes ?? {}, formation);
  const running = formations.busy(app) ? [] : rows.filter((row) => row.release === current?.version && row.desired === 'run');
  const formerLimits = running
    .filter((row) => hasFormerLimits(settings, row))
    .map(instanceName)
    .sort();
  return { name: app.name, webUrl: config.webUrl(app.name), instances, wanted, formerLimits, current, latest, latestBuild };
}
