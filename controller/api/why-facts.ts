import { instanceName } from '../../shared/domain/assignment.ts';
import { runningCounts } from '../../shared/domain/placement.ts';
import type { AppWhyFacts, BuildFact, CommandFact, InstanceFact, NodeFact, ReleaseFact } from '../observe/why/facts.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Build } from '../domain/builds.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { Release } from '../domain/releases.ts';
import type { LiveNode } from '../dispatch/port.ts';
import type { LookDeps } from './deps.ts';
import { userNames } from './user-names.ts';
import { refusedReason } from './route-problems.ts';

const EVENTS = 50;

/** The facts that explain the state of an app. */
export async function appWhyFacts(deps: LookDeps, app: App): Promise<AppWhyFacts> {
  const { store, clock, movement } = deps;
  const [rows, nodes, current, formation, [latest], [latestBuild], events, failedCron, commands, failedScripts] =
    await Promise.all([
      store.assignmentsOfApp(app.id),
      store.nodes(),
      store.currentRelease(app.id),
      store.formation(app.id),
      store.releases(app.id, 1),
      store.builds(app.id, 1),
      store.events({ appId: app.id, limit: EVENTS }),
      store.failedCron(app.id),
      store.unfinishedCommands(app.id),
      store.failedScripts(app.id),
    ]);
  const nameOf = await userNames(
    store,
    [current, latest, latestBuild].flatMap((one) => one?.userId ?? []),
  );
  const release = (row: Release | undefined): ReleaseFact | undefined => row && { ...row, user: nameOf(row.userId) };
  const build = (row: Build | undefined): BuildFact | undefined => row && { ...row, user: nameOf(row.userId) };
  return {
    nowMs: clock.nowMs(),
    app: app.name,
    current: release(current),
    latest: release(latest),
    latestBuild: build(latestBuild),
    leftOut: deps.fleet.leftOutOfRoutes(app.id),
    wanted: runningCounts(current?.slug.processTypes ?? {}, formation, app.stopped),
    stopped: app.stopped,
    maintenance: app.maintenance,
    instances: instanceFacts(deps, rows, nodes),
    placeless: movement.placeless(app.id),
    patienceMs: app.lostAfterMs ?? movement.lostAfterMs,
    nodes: nodeFacts(deps, nodes, { rows, commands }),
    events,
    failedCron,
    failedScripts,
    commands: commandFacts(commands, nodes),
  };
}

function commandFacts(commands: readonly CommandRow[], nodes: readonly NodeRow[]): readonly CommandFact[] {
  const names = new Map(nodes.map((node) => [node.id, node.name as string]));
  return commands.map(({ process, kind, release, nodeId, startedAtMs }) => ({
    ...{ process, kind, release, startedAtMs },
    node: names.get(nodeId) ?? 'removed node',
  }));
}

function instanceFacts(
  { fleet, movement }: LookDeps,
  rows: readonly AssignmentRow[],
  nodes: readonly NodeRow[],
): readonly InstanceFact[] {
  const names = new Map(nodes.map((node) => [node.id, node.name as string]));
  const connected = new Set(fleet.nodes().flatMap((node) => (node.connected ? [node.nodeId] : [])));
  return rows.map((row) => {
    const status = fleet.status(row.instanceId);
    return {
      name: instanceName(row),
      type: row.processType,
      ...{
        release: row.release,
        desired: row.desired,
        limits: row.limits,
        status,
        ready: status?.ready,
        stuck: movement.blockedBecause(row.instanceId),
      },
      node: names.get(row.nodeId) ?? 'removed node',
      state: connected.has(row.nodeId) ? (status?.state ?? 'pending') : 'unknown',
    };
  });
}

/** What the caller may see on nodes. */
interface OnNodes {
  readonly rows: readonly AssignmentRow[];
  readonly commands: readonly CommandRow[];
}

export function nodeFacts(
  { fleet, clock, movement }: LookDeps,
  nodes: readonly NodeRow[],
  seen: OnNodes,
): readonly NodeFact[] {
  const live = new Map(fleet.nodes().map((node) => [node.nodeId, node]));
  const [nowMs, held] = [clock.monotonicMs(), new Set(movement.heldNodes())];
  return nodes.map((row) => ({ ...nodeFact(row, live.get(row.id), { ...seen, nowMs }), held: held.has(row.name) }));
}

function nodeFact(
  row: NodeRow,
  live: LiveNode | undefined,
  { rows, commands, nowMs }: OnNodes & { readonly nowMs: number },
): Omit<NodeFact, 'held'> {
  return {
    name: row.name,
    state: row.state,
    connected: live?.connected === true,
    cordoned: row.cordoned,
    draining: row.drainUntilMs !== undefined,
    drainUntilMs: row.drainUntilMs,
    lost: row.lostAtMs !== undefined,
    lastSeenMsAgo: live?.lastSeenAtMs === undefined ? undefined : nowMs - live.lastSeenAtMs,
    diskFreeBytes: live?.diskFreeBytes,
    missing: live?.missing ?? [],
    failure: live?.failure,
    refusedReason: refusedReason(live),
    versionMismatch: live?.versionMismatch,
    certificateExpiresAtMs: row.certificateNotAfterMs,
    revokedAtMs: row.revokedAtMs,
    commands: commands.flatMap(({ nodeId, process, app }) => (nodeId === row.id ? [`${process} of ${app}`] : [])),
    instances: rows.filter((one) => one.nodeId === row.id && one.desired === 'run').length,
  };
}
