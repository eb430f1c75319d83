import type { WhyBody, WhyChain } from '../../../shared/api/observe.ts';
import { crashLoopOf, sayCrashLoop } from '../../../shared/domain/crash-loop.ts';
import { howItEnded, type InstanceStatus } from '../../../shared/domain/instance.ts';
import { formatDuration } from '../../../shared/kit/duration.ts';
import { isProxyDown } from '../../schedule/nodes.ts';
import type { AppWhyFacts, InstanceFact, NodeFact } from './facts.ts';
import { nextFor, type About } from './next.ts';
import { nextForNoRoom } from './placement.ts';
import { nodeChains, silence } from './why-node.ts';
import { clockTime, times } from './format.ts';

/** Pure: explains the state of an instance. Undefined when the app has no such instance. */
export function whyInstance(facts: AppWhyFacts, name: string): WhyBody | undefined {
  const mine = facts.instances.filter((instance) => instance.name === name && instance.desired !== 'stop');
  const running = mine.filter((one) => one.desired === 'run');
  const instance = running.find((one) => one.state === 'live') ?? running[0] ?? mine[0];
  if (instance === undefined) return undefined;
  const about = `${name} of ${facts.app}`;
  const chain = instanceChain(facts, instance);
  return chain === undefined
    ? { about, well: true, chains: [wellChain(facts, instance)] }
    : { about, well: false, chains: [chain] };
}

/** The problem of an instance. Undefined when it is live or starting. */
export function instanceChain(facts: AppWhyFacts, instance: InstanceFact): WhyChain | undefined {
  if (instance.state === 'unknown') return awayChain(facts, instance);
  if (instance.state === 'live')
    return unreachedChain(facts, instance) ?? unreadyChain(facts, instance) ?? crashLoopChain(facts, instance);
  const loop = crashLoop(instance, facts.nowMs);
  if (loop === undefined && !hasProblem(instance)) return undefined;
  const code = codeOf(instance.status);
  const links = [
    cause(instance),
    ...(loop === undefined ? [...history(instance.status), outcome(instance, facts.nowMs)] : [loop]),
  ];
  return { code, links, next: nextFor(code, aboutOf(facts, instance)) };
}

function hasProblem({ state, status }: InstanceFact): boolean {
  if (state === 'stopping' || state === 'stopped') return false;
  return state === 'backoff' || state === 'failed' || status?.reason !== undefined;
}

function codeOf(status: InstanceStatus | undefined): string {
  const exit = status?.lastExit;
  const oom = exit?.oomOfNode === true ? 'SLIP_APP_NODE_OUT_OF_MEMORY' : 'SLIP_APP_OUT_OF_MEMORY';
  return status?.reason?.code ?? (exit?.oomKilled === true ? oom : 'SLIP_APP_EXITED');
}

function aboutOf(facts: AppWhyFacts, instance: InstanceFact): About {
  const { name, type, node, limits } = instance;
  return { app: facts.app, instance: name, type, node, memoryBytes: limits.memoryBytes };
}

/** A problem of the node is the cause for each of its instances. */
function awayChain(facts: AppWhyFacts, instance: InstanceFact): WhyChain {
  const node = facts.nodes.find((one) => one.name === instance.node);
  const [cause] = node === undefined ? [] : nodeChains(node, facts.nowMs);
  const fate = node?.lost === true ? fateChain(facts, instance, node) : undefined;
  if (fate !== undefined) return fate;
  const unknown = `The state of ${instance.name} is unknown.`;
  if (cause === undefined)
    return { links: [`${instance.node} is not connected.`, unknown], next: `slipway nodes:info ${instance.node}` };
  return { ...cause, links: [...cause.links, unknown] };
}

/** The instance is live, but the proxy of its node is down. */
function unreachedChain({ nodes, nowMs }: AppWhyFacts, { name, type, node }: InstanceFact): WhyChain | undefined {
  const at = nodes.find((one) => one.name === node && isProxyDown(one));
  const [cause] = at === undefined || type !== 'web' ? [] : nodeChains(at, nowMs);
  return cause && { ...cause, links: [...cause.links, `So ${name} is up there but gets no requests.`] };
}

/** The instance runs, but its health checks fail. */
function unreadyChain(facts: AppWhyFacts, instance: InstanceFact): WhyChain | undefined {
  const { status } = instance;
  const since = status?.checks?.find(({ passed }) => !passed)?.sinceMs;
  if (status?.ready !== false) return undefined;
  const code = codeOf(status);
  const what =
    code === 'SLIP_CHECK_LIVENESS' ? 'It is restarted soon.' : 'It gets requests again when the check passes.';
  const links = [
    cause(instance),
    ...(since === undefined ? [] : [`The check has failed since ${clockTime(since)}.`]),
    what,
  ];
  return { code, links, next: nextFor(code, aboutOf(facts, instance)) };
}

/** The node is lost, but the instance does not run on another node: it must not move, or it has no place. */
function fateChain(
  { app, patienceMs, nowMs }: AppWhyFacts,
  { name, stuck }: InstanceFact,
  node: NodeFact,
): WhyChain | undefined {
  const silent = silence(node, nowMs);
  if (patienceMs === 'never' || (node.lastSeenMsAgo ?? Infinity) < patienceMs) {
    const period =
      patienceMs === 'never'
        ? 'no matter how long it is silent'
        : `until it has been silent for ${formatDuration(patienceMs)}`;
    return {
      links: [...silent, `${name} of ${app} stays on that node ${period}.`],
      next: `slipway apps:lost-after default -a ${app}`,
    };
  }
  if (stuck === undefined) return undefined;
  const because = `${name} cannot be placed: ${stuck}.`;
  const links = [...silent, because, `So ${name} should run, but no connected node runs it.`];
  return { code: 'SLIP_PLACE_NO_ROOM', links, next: nextForNoRoom(because, app) };
}

/** The instance is live now, but it will probably crash again. */
function crashLoopChain(facts: AppWhyFacts, instance: InstanceFact): WhyChain | undefined {
  const loop = crashLoop(instance, facts.nowMs);
  if (loop === undefined) return undefined;
  const code = codeOf(instance.status);
  const links = [cause(instance), loop];
  return { code, links, next: nextFor(code, aboutOf(facts, instance)) };
}

function crashLoop({ status }: InstanceFact, nowMs: number): string | undefined {
  const loop = status === undefined ? undefined : crashLoopOf(status, nowMs);
  return status === undefined || loop === undefined ? undefined : `It ${sayCrashLoop(loop, { ...status, nowMs })}.`;
}

/** `web.1 on fra-2 was killed: it used more than its 512 MB of memory.` */
function cause({ name, node, status }: InstanceFact): string {
  const message = status?.reason?.message ?? `${name} ${howItEnded(status?.lastExit)}.`;
  return message.startsWith(`${name} `)
    ? `${name} on ${node}${message.slice(name.length)}`
    : `${name} on ${node}: ${message}`;
}

function history(status: InstanceStatus | undefined): readonly string[] {
  if (status === undefined || status.restarts === 0) return [];
  const last = status.lastExit === undefined ? '' : ` It last ended at ${clockTime(status.lastExit.atMs)}.`;
  return [`It was ${times(status.restarts, 'restarted')}.${last}`];
}

function outcome({ state, status }: InstanceFact, nowMs: number): string {
  if (state === 'failed') return 'It never became ready, so this release does not start it again.';
  const nextMs = status?.nextStartAtMs;
  if (state === 'backoff' && nextMs !== undefined && nextMs > nowMs)
    return `It is backing off until ${clockTime(nextMs)}.`;
  return state === 'backoff' ? 'It starts again in a moment.' : 'The agent keeps trying.';
}

function wellChain(facts: AppWhyFacts, { name, node, release, state, status }: InstanceFact): WhyChain {
  const since = status?.startedAtMs === undefined ? '' : ` for ${formatDuration(facts.nowMs - status.startedAtMs)}`;
  const up =
    state === 'live'
      ? `${name} on ${node} is up${since}, v${String(release)}.`
      : `${name} on ${node} is ${state}, v${String(release)}.`;
  return { links: [up, ...history(status)], next: `slipway logs -a ${facts.app} -p ${name}` };
}
