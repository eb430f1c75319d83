import type { InstanceBody } from '../../shared/api/formation.ts';
import type { NodeBody } from '../../shared/api/nodes.ts';
import type { AppStatusBody, StatusBody } from '../../shared/api/observe.ts';
import type { RunningCommandBody } from '../../shared/api/runs.ts';
import type { ProblemBody } from '../../shared/api/schema.ts';
import { instanceName } from '../../shared/domain/assignment.ts';
import { runningCounts } from '../../shared/domain/placement.ts';
import { hasFormerLimits } from '../formation/limit-changes.ts';
import type { Ceilings } from '../../shared/domain/ceilings.ts';
import type { AppOverview } from '../domain/app-overview.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { CertificateOrder } from '../domain/orders.ts';
import { endsSoon, type Certificate } from '../domain/certificates.ts';
import type { IssuedCertificate } from '../domain/issued.ts';
import type { NodeRow } from '../domain/nodes.ts';
import { listedOwner } from '../access/policy.ts';
import type { User } from '../domain/users.ts';
import { aboveCeilings, quotaProblems } from './above-limits.ts';
import type { ApiConfig, LookDeps } from './deps.ts';
import { certificateProblems } from './certificate-problems.ts';
import { edgeProblems } from './edge-problems.ts';
import { orphanedRevocationProblems, type StoredCertificates } from './stored-certificate-problems.ts';
import { meshProblems } from './mesh-status.ts';
import { viewRunningCommand } from './running-commands.ts';
import { frontProblems, olderAgentProblems, uncheckedProblems } from './older-agents.ts';
import { sessionsField, sessionsSeenBy } from './sessions.ts';
import { appsPart, wholeStatus, type AppFacts } from './status.ts';
import { viewInstance, viewNode } from './views.ts';

/** Apps that are read together. Between two slices other work of the controller can run. */
const SLICE_APPS = 50;
/** The status shows this many of each, and counts the others. */
const APPS_SHOWN = 200;
const PROBLEMS_SHOWN = 200;
const COMMANDS_SHOWN = 50;
const SESSIONS_SHOWN = 50;

type StatusConfig = Pick<ApiConfig, 'version' | 'webUrl'>;

/** The status that the caller may see, as one body of limited size. It is read in slices, so that a large fleet does not block other work. */
export async function readStatus(
  config: StatusConfig,
  deps: LookDeps,
  { user, startedAtMs }: { readonly user: User; readonly startedAtMs: number },
): Promise<StatusBody> {
  const nodes = await deps.store.nodes();
  const views = describeNodes(deps, nodes);
  const part = await readApps(config, deps, { user, nodes, views });
  const status = wholeStatus(
    {
      version: config.version,
      uptimeMs: Math.round(deps.clock.monotonicMs() - startedAtMs),
      nodes: views,
      heldNodes: deps.movement.heldNodes(),
      mesh: [...meshProblems(deps.fleet.nodes()), ...certificateProblems(deps.fleet.nodes())],
      quotas: listedOwner(user) === undefined ? await allQuotaProblems(deps) : [],
    },
    part,
  );
  const sessions = sessionsSeenBy(deps, user);
  const { moreApps, moreCommands, moreProblems } = part;
  const more = { moreApps, moreCommands, moreSessions: sessions.length - SESSIONS_SHOWN, moreProblems };
  const shown = sessionsField(sessions.slice(0, SESSIONS_SHOWN));
  return { ...status, ...shown, ...Object.fromEntries(Object.entries(more).filter(([, count]) => count > 0)) };
}

export function describeNodes(deps: LookDeps, nodes: readonly NodeRow[]): readonly NodeBody[] {
  const live = new Map(deps.fleet.nodes().map((node) => [node.nodeId, node]));
  return nodes.map((node) => viewNode(node, live.get(node.id), deps));
}

async function allQuotaProblems({ store, fleet }: LookDeps): Promise<readonly ProblemBody[]> {
  return [
    ...olderAgentProblems(store.defaultQuotas.domainsPerApp, fleet.nodes()),
    ...uncheckedProblems(await store.usesHealthChecks(), fleet.nodes()),
    ...edgeProblems(await store.edgeLabels(), fleet.nodes()),
    ...frontProblems(await store.frontProxies(), fleet.nodes()),
    ...quotaProblems(await store.overQuotas()),
    ...orphanedRevocationProblems(await store.revocations(), await store.certificateOrders()),
  ];
}

/** Certificates that the nodes serve, and that somebody must look at. */
async function troubledCertificates({ store, fleet, clock }: LookDeps): Promise<readonly Certificate[]> {
  const nowMs = clock.nowMs();
  const troubled = (await store.certificates()).filter((one) => one.exposed !== undefined || endsSoon(one, nowMs));
  return troubled.filter(({ id }) => fleet.servedBy(id) !== undefined);
}

interface AllApps {
  readonly apps: AppStatusBody[];
  readonly problems: ProblemBody[];
  readonly commands: RunningCommandBody[];
  readonly down: Map<string, number>;
  moreApps: number;
  moreCommands: number;
  moreProblems: number;
}

async function readApps(
  config: StatusConfig,
  deps: LookDeps,
  {
    user,
    nodes,
    views,
  }: { readonly user: User; readonly nodes: readonly NodeRow[]; readonly views: readonly NodeBody[] },
): Promise<AllApps> {
  const none = { moreApps: 0, moreCommands: 0, moreProblems: 0 };
  const all: AllApps = { apps: [], problems: [], commands: [], down: new Map(), ...none };
  const names = new Map(nodes.map((node) => [node.id, node.name as string]));
  const ownerId = listedOwner(user);
  const ceilings = ownerId === undefined ? await deps.store.limitCeilings() : undefined;
  const failedCron = Map.groupBy(await deps.store.failedCron(), ({ appId }) => appId);
  const failedScripts = Map.groupBy(await deps.store.failedScripts(), ({ appId }) => appId);
  const commands = Map.groupBy(await deps.store.unfinishedCommands(), ({ appId }) => appId);
  const orders = Map.groupBy(await deps.store.certificateOrders(), ({ appId }) => appId);
  const revocations = Map.groupBy(await deps.store.revocations(), ({ id }) => id);
  const certificates = Map.groupBy(await troubledCertificates(deps), ({ appId }) => appId);
  for (let after: string | undefined; ;) {
    const slice = await deps.store.appOverviews({ ownerId, after, limit: SLICE_APPS });
    const found = { names, ceilings, failedCron, failedScripts, commands, orders, revocations, certificates };
    const facts = slice.map((overview) => appFacts(config, deps, { overview, ...found }));
    add(all, appsPart(facts, { nodes: views, nowMs: deps.clock.nowMs() }));
    after = slice.at(-1)?.app.name;
    if (slice.length < SLICE_APPS) return all;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function add(all: AllApps, { apps, problems, commands, down }: ReturnType<typeof appsPart>): void {
  all.moreApps += Math.max(0, apps.length - (APPS_SHOWN - all.apps.length));
  all.moreProblems += Math.max(0, problems.length - (PROBLEMS_SHOWN - all.problems.length));
  all.apps.push(...apps.slice(0, APPS_SHOWN - all.apps.length));
  all.problems.push(...problems.slice(0, PROBLEMS_SHOWN - all.problems.length));
  all.moreCommands += Math.max(0, commands.length - (COMMANDS_SHOWN - all.commands.length));
  all.commands.push(...commands.slice(0, COMMANDS_SHOWN - all.commands.length));
  for (const [node, count] of down) all.down.set(node, (all.down.get(node) ?? 0) + count);
}

function appFacts(
  config: StatusConfig,
  deps: LookDeps,
  {
    overview,
    names,
    ceilings,
    failedCron,
    failedScripts,
    commands,
    ...stored
  }: {
    readonly overview: AppOverview;
    readonly names: ReadonlyMap<string, string>;
    readonly ceilings: Ceilings | undefined;
    readonly failedCron: ReadonlyMap<AppId, readonly CommandRow[]>;
    readonly failedScripts: ReadonlyMap<AppId, readonly CommandRow[]>;
    readonly commands: ReadonlyMap<AppId, readonly CommandRow[]>;
  } & FleetCertificates,
): AppFacts {
  const { app, current, latest, latestBuild, formation, settings, rows } = overview;
  const running = deps.formations.busy(app)
    ? []
    : rows.filter((row) => row.release === current?.version && row.desired === 'run');
  return {
    name: app.name,
    webUrl: config.webUrl(app.name),
    instances: rows.map((row) => instanceOf(deps, row, names)),
    wanted: runningCounts(current?.processTypes ?? {}, formation, app.stopped),
    formerLimits: running
      .filter((row) => hasFormerLimits(settings, row))
      .map(instanceName)
      .sort(),
    aboveCeilings: ceilings === undefined ? [] : aboveCeilings(settings, ceilings),
    failedCron: failedCron.get(app.id) ?? [],
    failedScripts: failedScripts.get(app.id) ?? [],
    ...certificatesOf(app.id, stored),
    commands: (commands.get(app.id) ?? []).map((row) =>
      viewRunningCommand(row, names.get(row.nodeId) ?? 'removed node'),
    ),
    ...{ stopped: app.stopped, lock: app.lock, maintenance: app.maintenance },
    ...{ current, latest, latestBuild, leftOut: deps.fleet.leftOutOfRoutes(app.id) },
  };
}

/** What is known of the certificates of all apps. */
interface FleetCertificates {
  readonly orders: ReadonlyMap<AppId, readonly CertificateOrder[]>;
  readonly revocations: ReadonlyMap<string, readonly IssuedCertificate[]>;
  readonly certificates: ReadonlyMap<AppId | undefined, readonly Certificate[]>;
}

function certificatesOf(appId: AppId, { orders, revocations, certificates }: FleetCertificates): StoredCertificates {
  const own = orders.get(appId) ?? [];
  return {
    orders: own,
    revocations: own.flatMap(({ id }) => revocations.get(id) ?? []),
    certificates: certificates.get(appId) ?? [],
  };
}

function instanceOf({ fleet, clock }: LookDeps, row: AssignmentRow, names: ReadonlyMap<string, string>): InstanceBody {
  const nodeName = names.get(row.nodeId) ?? 'removed node';
  const reported = { node: fleet.node(row.nodeId), status: fleet.status(row.instanceId), nowMs: clock.nowMs() };
  return viewInstance({ row, nodeName, ...reported, command: '' });
}
