import type { WhyBody, WhyChain } from '../../../shared/api/observe.ts';
import { formatDuration } from '../../../shared/kit/duration.ts';
import { DISK_LOW_BYTES } from '../disk-low.ts';
import type { NodeFact } from './facts.ts';
import { clockTime } from './format.ts';

/** A lost node that is absent for this long should be removed. */
const GONE_AFTER_MS = 60 * 60_000;

const COMMANDS_SHOWN = 5;

/** Pure: explains the state of a node. */
export function whyNode(node: NodeFact, nowMs: number): WhyBody {
  const chains = nodeChains(node, nowMs);
  if (chains.length > 0) return { about: node.name, well: false, chains };
  const links = [`${node.name} is ready and runs ${instances(node.instances)}.`];
  return { about: node.name, well: true, chains: [{ links, next: `slipway nodes:info ${node.name}` }] };
}

/** The problems of a node, the worst first. */
export function nodeChains(node: NodeFact, nowMs: number): readonly WhyChain[] {
  const away = node.connected ? [] : [absence(node, nowMs)];
  return [
    ...away,
    ...refusedState(node),
    ...disk(node),
    ...unsolvedProblem(node),
    ...version(node),
    ...closed(node),
    ...missing(node),
  ];
}

function absence(node: NodeFact, nowMs: number): WhyChain {
  const code = isShutOut(node, nowMs)
    ? { code: 'SLIP_NODE_CERTIFICATE' }
    : node.failure === undefined
      ? {}
      : { code: node.failure.code };
  return { ...code, links: [...silence(node, nowMs), consequence(node)], next: nextForAbsent(node, nowMs) };
}

/** How long the node has been silent, and the known reason. */
export function silence(node: NodeFact, nowMs: number): readonly string[] {
  const silent =
    node.lastSeenMsAgo === undefined ? 'since the controller started' : `for ${formatDuration(node.lastSeenMsAgo)}`;
  const start = node.failure === undefined ? [] : [`Its agent could not start: ${node.failure.message}`];
  return [...shutOut(node, nowMs), `${node.name} has been silent ${silent}.`, ...start];
}

function isShutOut({ certificateExpiresAtMs = Infinity, revokedAtMs }: NodeFact, nowMs: number): boolean {
  return revokedAtMs !== undefined || certificateExpiresAtMs <= nowMs;
}

function shutOut(node: NodeFact, nowMs: number): readonly string[] {
  if (!isShutOut(node, nowMs)) return [];
  const { name, revokedAtMs, certificateExpiresAtMs } = node;
  const [what, atMs] =
    revokedAtMs === undefined ? ['expired', certificateExpiresAtMs ?? 0] : ['was revoked', revokedAtMs];
  return [
    `The certificate of ${name} ${what} on ${new Date(atMs).toISOString().slice(0, 10)} at ${clockTime(atMs)}, so the controller refuses it.`,
  ];
}

function consequence(node: NodeFact): string {
  if (node.instances === 0) return 'No instances were assigned to it.';
  const one = node.instances === 1;
  if (node.lost)
    return `It counts as lost: its ${instances(node.instances)} ${one ? 'restarts' : 'restart'} on other nodes if placement rules and capacity allow.`;
  if (node.held)
    return `More than a third of the fleet disconnected at once, so its ${instances(node.instances)} ${one ? 'is' : 'are'} not moved.`;
  return `Its ${instances(node.instances)} ${one ? 'keeps' : 'keep'} running if the machine runs. The controller cannot check this.`;
}

function nextForAbsent(node: NodeFact, nowMs: number): string {
  if (isShutOut(node, nowMs)) return `slipway nodes:rejoin ${node.name}`;
  if (node.failure?.hint !== undefined) return onMachine(node.name, node.failure.hint);
  const gone = node.lost && (node.lastSeenMsAgo === undefined || node.lastSeenMsAgo > GONE_AFTER_MS);
  return gone ? `slipway nodes:remove ${node.name}` : `slipway nodes:info ${node.name}`;
}

function refusedState({ name, refusedReason }: NodeFact): readonly WhyChain[] {
  if (refusedReason === undefined) return [];
  const { code, message, hint } = refusedReason;
  const links = [message, `${name} keeps its last accepted state, and no change reaches it.`];
  return [{ code, links, next: hint ?? `slipway nodes:info ${name}` }];
}

function disk(node: NodeFact): readonly WhyChain[] {
  if (node.diskFreeBytes === undefined || node.diskFreeBytes >= DISK_LOW_BYTES) return [];
  const free = String(Math.round(node.diskFreeBytes / 1024 / 1024));
  const links = [`The disk of ${node.name} has ${free} MB left.`, 'When it is full, no instance can start there.'];
  return [{ code: 'SLIP_DISK_FULL', links, next: `slipway nodes:drain ${node.name}` }];
}

/** A problem that its agent cannot solve, although it keeps trying. */
function unsolvedProblem({
  name,
  connected,
  failure: reason,
  diskFreeBytes = Infinity,
}: NodeFact): readonly WhyChain[] {
  if (!connected || reason === undefined || (reason.code === 'SLIP_DISK_FULL' && diskFreeBytes < DISK_LOW_BYTES))
    return [];
  if (reason.code === 'SLIP_NODE_TWICE')
    return [{ code: reason.code, links: [reason.message], next: reason.hint ?? `slipway nodes:info ${name}` }];
  const links = [`${name}: ${reason.message}`, 'Its agent tries again every few seconds.'];
  return [
    {
      code: reason.code,
      links,
      next: reason.hint === undefined ? `slipway nodes:info ${name}` : onMachine(name, reason.hint),
    },
  ];
}

function onMachine(name: string, hint: string): string {
  return `on ${name}: ${hint}`;
}

function version({ name, versionMismatch: reason }: NodeFact): readonly WhyChain[] {
  if (reason === undefined) return [];
  return [{ code: reason.code, links: [reason.message], next: reason.hint ?? `slipway nodes:info ${name}` }];
}

function closed(node: NodeFact): readonly WhyChain[] {
  if (node.draining) {
    const links = [`${node.name} is being drained: its instances are moved to other nodes.`, ...awaited(node)];
    return [{ links, next: `slipway nodes:info ${node.name}` }];
  }
  if (!node.cordoned) return [];
  return [
    { links: [`${node.name} is cordoned: it gets no new instances.`], next: `slipway nodes:uncordon ${node.name}` },
  ];
}

/** A drain waits for one-off commands. */
function awaited({ commands, drainUntilMs }: NodeFact): readonly string[] {
  if (commands.length === 0) return [];
  const names = commands.slice(0, COMMANDS_SHOWN).join(', ');
  const more = commands.length > COMMANDS_SHOWN ? ` and ${String(commands.length - COMMANDS_SHOWN)} more` : '';
  const until = drainUntilMs === undefined ? 'the deadline' : clockTime(drainUntilMs);
  return [`It still runs ${names}${more}. What has not ended at ${until} is stopped.`];
}

function missing(node: NodeFact): readonly WhyChain[] {
  return node.missing.map((what) => ({ links: [`${node.name}: ${what}.`], next: nextForMissing(node.name) }));
}

/** An agent reports what its machine lacks only at the start of a session, so it must restart. */
export function nextForMissing(name: string): string {
  return `on ${name}: do that, then systemctl restart slipway-agent`;
}

function instances(count: number): string {
  return count === 1 ? '1 instance' : `${String(count)} instances`;
}
