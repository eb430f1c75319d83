import { formatDuration } from '../../shared/kit/duration.ts';
import type { InstanceBody } from '../../shared/api/formation.ts';
import type { NodeBody } from '../../shared/api/nodes.ts';
import type { AppStatusBody, StatusBody } from '../../shared/api/observe.ts';
import type { RunningCommandBody } from '../../shared/api/runs.ts';
import type { ProblemBody } from '../../shared/api/schema.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { sayCrashLoop } from '../../shared/domain/crash-loop.ts';
import type { Formation } from '../../shared/domain/placement.ts';
import { ceilingProblems, type AboveCeiling } from './above-limits.ts';
import { cronProblems, scriptProblems, type FailedCommandFacts } from './command-problems.ts';
import { orderProblems } from './order-problems.ts';
import { storedCertificateProblems, type StoredCertificates } from './stored-certificate-problems.ts';
import { countInstances, type CountedInstance, type InstanceCounts } from '../observe/count-instances.ts';
import { DISK_LOW_BYTES } from '../observe/disk-low.ts';
import { nextForMissing } from '../observe/why/why-node.ts';
import type { App } from '../domain/apps.ts';
import type { Build } from '../domain/builds.ts';
import type { Release } from '../domain/releases.ts';

/** The facts of one app for its status. */
export interface AppFacts extends FailedCommandFacts, Partial<StoredCertificates> {
  readonly webUrl: string;
  readonly instances: readonly InstanceBody[];
  /** Of the current release. */
  readonly wanted: Formation;
  /** Names of instances that still have the limits of before the last `ps:limits`, while no change is running. */
  readonly formerLimits: readonly string[];
  /** Limits above the ceilings; only for administrators. */
  readonly aboveCeilings: readonly AboveCeiling[];
  readonly current: Pick<Release, 'version' | 'createdAtMs'> | undefined;
  /** Why the app is not in the fleet's route table; absent: it is, or it was never deployed. */
  readonly leftOut?: Reason | undefined;
  /** Newest release of any state. */
  readonly latest: Pick<Release, 'version' | 'state' | 'createdAtMs' | 'failure'> | undefined;
  readonly latestBuild: Build | undefined;
  /** One-off commands that run now. */
  readonly commands: readonly RunningCommandBody[];
  readonly stopped?: App['stopped'];
  readonly lock?: App['lock'];
  readonly maintenance?: App['maintenance'];
}

/** The fleet without its apps. */
export interface FleetFacts {
  readonly version: string;
  readonly uptimeMs: number;
  readonly nodes: readonly NodeBody[];
  /** Nodes that disappeared together, so that nothing is moved. */
  readonly heldNodes: readonly string[];
  /** Reports of the nodes about the connections between them. */
  readonly mesh: readonly ProblemBody[];
  /** Users with more than their quota; only for administrators. */
  readonly quotas: readonly ProblemBody[];
}

export interface StatusFacts extends FleetFacts {
  /** Wall clock. */
  readonly nowMs: number;
  readonly apps: readonly AppFacts[];
}

/** The part of a status about some of the apps. */
export interface AppsPart {
  readonly apps: readonly AppStatusBody[];
  readonly problems: readonly ProblemBody[];
  readonly commands: readonly RunningCommandBody[];
  /** For each node: the number of its instances that should run and do not. */
  readonly down: ReadonlyMap<string, number>;
}

/** The status of the fleet. Problems come first, each with the command that helps. */
export function statusOf(facts: StatusFacts): StatusBody {
  return wholeStatus(facts, appsPart(facts.apps, facts));
}

export function wholeStatus(facts: FleetFacts, { apps, problems, commands, down }: AppsPart): StatusBody {
  return {
    controller: { version: facts.version, uptimeMs: facts.uptimeMs },
    problems: [
      ...heldProblems(facts.heldNodes),
      ...fleetProblems(facts.nodes),
      ...facts.nodes.flatMap((node) => nodeProblems(node, down)),
      ...facts.mesh,
      ...facts.quotas,
      ...problems,
    ],
    nodes: facts.nodes,
    apps,
    ...(commands.length === 0 ? {} : { commands }),
  };
}

export function appsPart(
  facts: readonly AppFacts[],
  { nodes, nowMs }: { readonly nodes: readonly NodeBody[]; readonly nowMs: number },
): AppsPart {
  const lostNodes = new Set(nodes.flatMap((node) => (node.lost === true ? [node.name] : [])));
  const apps = facts.map((app) => ({
    ...app,
    counts: countInstances(app.wanted, { instances: app.instances, lostNodes }),
    nowMs,
  }));
  const places = apps.flatMap(({ counts }) => counts.down.flatMap(({ at }) => (at === undefined ? [] : [at.node])));
  const down = new Map([...Map.groupBy(places, (node) => node)].map(([node, all]) => [node, all.length]));
  const commands = apps.flatMap((app) => app.commands);
  return { apps: apps.map(appStatus), problems: apps.flatMap(appProblems), commands, down };
}

type CountedApp = AppFacts & { readonly counts: InstanceCounts<InstanceBody>; readonly nowMs: number };

function appStatus({ name, current, counts, webUrl, stopped, lock, maintenance }: CountedApp): AppStatusBody {
  const { live, ready, desired, nodes } = counts;
  const release = { release: current?.version, lastDeployAtMs: current?.createdAtMs };
  return { name, ...release, live, ready, desired, nodes, webUrl, stopped, lock, maintenance };
}

function heldProblems(held: readonly string[]): readonly ProblemBody[] {
  const [first] = held;
  if (first === undefined) return [];
  const message = `${held.join(', ')} disconnected at the same time, more than a third of the fleet. This is probably a network failure, so no instances are moved until enough nodes are back. If a node is gone permanently: slipway nodes:remove NODE --force.`;
  return [{ message, next: `slipway why ${first}` }];
}

function fleetProblems(nodes: readonly NodeBody[]): readonly ProblemBody[] {
  if (nodes.length === 0)
    return [{ message: 'No node has joined yet, so nothing can be built or run.', next: 'slipway nodes:token' }];
  const connected = nodes.filter((node) => node.connected);
  if (connected.some((node) => node.builder === true)) return [];
  const next = connected.length === 0 ? 'slipway nodes' : 'slipway builders';
  return [{ message: 'No connected node can build, so pushes are refused.', next }];
}

function nodeProblems(node: NodeBody, down: AppsPart['down']): readonly ProblemBody[] {
  if (!node.connected) {
    const fate =
      node.lost === true ? sayLost(down.get(node.name) ?? 0) : 'its apps keep running while the machine runs';
    const since =
      node.lastSeenMsAgo === undefined ? 'since the controller started' : `for ${formatDuration(node.lastSeenMsAgo)}`;
    const cause = node.trouble === undefined ? '' : ` Its agent could not start: ${node.trouble.message}`;
    const message = `Node ${node.name} has been silent ${since}; ${fate}.${cause}`;
    return [{ message, next: `slipway why ${node.name}` }];
  }
  const missing = node.missing.map((what) => ({
    message: `Node ${node.name}: ${what}.`,
    next: nextForMissing(node.name),
  }));
  const low = node.diskFreeBytes !== undefined && node.diskFreeBytes < DISK_LOW_BYTES;
  const free = Math.round((node.diskFreeBytes ?? 0) / 1024 / 1024);
  const disk = low
    ? [{ message: `Node ${node.name} has ${free} MB of disk left.`, next: `slipway why ${node.name}` }]
    : [];
  return [
    ...refusalProblems(node),
    ...disk,
    ...hostProblems(node, low),
    ...(node.versionTrouble === undefined ? [] : [node.versionTrouble]),
    ...missing,
  ];
}

/** Some instances wait for the node, or for capacity on another one. */
function sayLost(left: number): string {
  if (left === 0) return 'it counts as lost, and its instances run elsewhere';
  return `it counts as lost, and ${String(left)} of its instances ${left === 1 ? 'does' : 'do'} not run elsewhere`;
}

/** What the agent cannot repair. A full disk has a problem of its own. */
function hostProblems({ name, trouble }: NodeBody, low: boolean): readonly ProblemBody[] {
  if (trouble === undefined || (low && trouble.code === 'SLIP_DISK_FULL')) return [];
  return [{ message: `Node ${name}: ${trouble.message}`, next: `slipway why ${name}` }];
}

function refusalProblems({ name, refusal }: NodeBody): readonly ProblemBody[] {
  if (refusal === undefined) return [];
  return [{ message: `Node ${name} does not follow this controller. ${refusal.message}`, next: `slipway why ${name}` }];
}

function appProblems(app: CountedApp): readonly ProblemBody[] {
  const { orders = [], certificates = [], revocations = [] } = app;
  return [
    ...orderProblems(app.name, orders, app.nowMs),
    ...storedCertificateProblems(app.name, { certificates, orders, revocations }, app.nowMs),
    ...routeProblems(app),
    ...instanceProblems(app),
    ...countProblems(app),
    ...allLimitProblems(app),
    ...releaseProblems(app),
    ...buildProblems(app),
    ...scriptProblems(app),
    ...cronProblems(app),
  ];
}

function routeProblems({ name, leftOut }: AppFacts): readonly ProblemBody[] {
  return leftOut === undefined ? [] : [{ message: leftOut.message, next: leftOut.hint ?? `slipway why ${name}` }];
}

function instanceProblems({ name, counts, instances, nowMs }: CountedApp): readonly ProblemBody[] {
  const broken = counts.down.flatMap(({ at }) => (at !== undefined && isBroken(at) ? [at] : []));
  const restless = instances.filter(
    ({ desired, state, crashLoop }) => desired === 'run' && state === 'live' && crashLoop !== undefined,
  );
  const unready = instances.filter((one) => one.desired === 'run' && one.ready === false && !isBroken(one));
  const without = unready.map((one) => instanceProblem(name, one, sayUnready(one)));
  const troubles = [...broken, ...restless].map((instance) => {
    const { crashLoop: loop } = instance;
    const how = loop === undefined ? 'is down' : sayCrashLoop(loop, { ...instance, nowMs });
    return instanceProblem(name, instance, `${how}. ${instance.reason?.message ?? lastExit(instance)}`);
  });
  return [...troubles, ...without];
}

function sayUnready({ name, reason }: InstanceBody): string {
  return reason?.message.replace(`${name} `, '') ?? 'gets no requests: its health checks fail.';
}

function instanceProblem(app: string, { name, node }: InstanceBody, problem: string): ProblemBody {
  return { message: `${app}: ${name} on ${node} ${problem}`.trim(), next: `slipway why ${name} -a ${app}` };
}

const SHOWN = 4;

/** Fewer instances than wanted are up, and no crash explains it. */
function countProblems({ name, counts }: CountedApp): readonly ProblemBody[] {
  const others = counts.down.filter(({ at }) => at === undefined || !isBroken(at));
  if (others.length === 0) return [];
  const groups = Map.groupBy(others.slice(0, SHOWN), ({ at }) => whereabouts(at));
  const words = [...groups].map(([where, slots]) => `${slots.map((slot) => slot.name).join(', ')} ${where}`);
  const more = others.length > SHOWN ? `; and ${String(others.length - SHOWN)} more` : '';
  const message = `${name}: ${String(counts.live)} of ${String(counts.desired)} up: ${words.join('; ')}${more}.`;
  return [{ message, next: `slipway why ${name}` }];
}

function whereabouts(at: CountedInstance | undefined): string {
  if (at === undefined) return 'not placed';
  return `on ${at.node} (${at.state === 'unknown' ? 'not connected' : 'starting'})`;
}

function allLimitProblems(app: CountedApp): readonly ProblemBody[] {
  return [...limitProblems(app), ...ceilingProblems(app.name, app.aboveCeilings)];
}

function limitProblems({ name, formerLimits }: CountedApp): readonly ProblemBody[] {
  const [first] = formerLimits;
  if (first === undefined) return [];
  const [which, run] =
    formerLimits.length === 1 ? [first, 'runs with its'] : [first.split('.')[0] ?? '', 'run with their'];
  const message = `${name}: ${formerLimits.join(', ')} still ${run} former limits.`;
  return [{ message, next: `slipway ps:restart ${which} -a ${name}` }];
}

function isBroken({ state, crashLoop }: InstanceBody): boolean {
  return state === 'backoff' || state === 'failed' || crashLoop !== undefined;
}

function releaseProblems({ name, latest, current }: AppFacts): readonly ProblemBody[] {
  if (latest?.state !== 'failed') return [];
  const serving = current === undefined ? 'nothing is serving' : `v${current.version} keeps serving`;
  return [
    {
      message: `${name}: v${latest.version} failed, ${serving}. ${latest.failure?.message ?? ''}`.trim(),
      next: `slipway why ${name}`,
    },
  ];
}

/** A failed build matters until something newer succeeds. */
function buildProblems({ name, latest, latestBuild }: AppFacts): readonly ProblemBody[] {
  if (latestBuild?.state !== 'failed') return [];
  if (latest !== undefined && latest.createdAtMs > latestBuild.createdAtMs) return [];
  const message =
    `${name}: the last build (${latestBuild.commit.slice(0, 7)}) failed. ${latestBuild.failure?.message ?? ''}`.trim();
  return [{ message, next: `slipway builds:output ${latestBuild.id} -a ${name}` }];
}

function lastExit({ lastExit: exit }: InstanceBody): string {
  if (exit === undefined) return '';
  if (exit.oomKilled)
    return exit.oomOfNode === true ? 'It was killed, because its node ran out of memory.' : 'It ran out of memory.';
  return exit.signal === undefined
    ? `It exited with code ${exit.code ?? 'unknown'}.`
    : `It was ended by ${exit.signal}.`;
}
