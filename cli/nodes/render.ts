import type { NodeBody, NodeInfoBody, PlacedBody } from '../../shared/api/nodes.ts';
import type { RunningCommandBody } from '../../shared/api/runs.ts';
import { formatDuration, formatRemaining } from '../../shared/kit/duration.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { commandRow } from '../terminal/command-row.ts';
import { nodeRow } from '../terminal/node-row.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderProblems } from '../terminal/problems.ts';
import { renderSessions, saySession } from '../terminal/session-rows.ts';
import { renderTable, type Cell } from '../terminal/table.ts';
import { renderAgo, renderBytes, renderTime } from '../terminal/time.ts';
import { machineRows } from './render-machine.ts';

export function renderNodes(nodes: readonly NodeBody[], paint: Paint): string {
  if (nodes.length === 0) return 'No node has joined yet. Create a join token with: slipway nodes:token\n';
  const troubles = nodes.flatMap(({ versionTrouble: trouble }) => (trouble === undefined ? [] : [trouble]));
  const rest = troubles.length === 0 ? '' : `\n${renderProblems(troubles, paint)}`;
  return `=== ${paint.bold('Nodes')}\n${renderTable(nodes.map((node) => nodeRow(node, paint)))}${rest}`;
}

export function renderNodeInfo(node: NodeInfoBody, context: RenderContext): string {
  const { paint, nowMs } = context;
  const rows: [string, Cell][] = [
    ['State:', stateOf(node, context)],
    [
      'Labels:',
      Object.entries(node.labels)
        .map(([name, value]) => `${name}=${value}`)
        .sort()
        .join(' '),
    ],
    ['System:', [node.platform, node.kernel].filter((part) => part !== undefined && part !== '').join(', kernel ')],
    ...machineRows(node.machine),
    ['Memory:', renderSizes(node.memoryFreeBytes, node.memoryBytes)],
    ['Disk:', renderSizes(node.diskFreeBytes, node.diskBytes)],
    [
      'Load:',
      node.load1 === undefined
        ? ''
        : `${node.load1.toFixed(2)}${node.cpus === undefined ? '' : ` on ${String(node.cpus)} CPUs`}`,
    ],
    ['Agent:', [node.agentVersion, node.sandboxDriver].filter((part) => part !== undefined && part !== '').join(', ')],
    ['Proxy:', node.proxyVersion === undefined || node.proxyVersion === '' ? '' : `HAProxy ${node.proxyVersion}`],
    ['Unreadable requests:', renderUnreadable(node.unreadableRequests, nowMs)],
    ...(node.unservedCertificates ?? []).map(({ id, message }): [string, Cell] => [`Certificate ${id}:`, message]),
    ['Missing:', node.missing.join(', ')],
    ['Trouble:', node.trouble?.message ?? ''],
    ['Joined:', `${renderTime(node.joinedAtMs)} (${renderAgo(node.joinedAtMs, nowMs)})`],
  ];
  const facts = renderTable(rows.filter(([, value]) => value !== ''));
  const trouble = node.versionTrouble === undefined ? '' : `\n${renderProblems([node.versionTrouble], paint)}`;
  const instances = renderTable(node.placed.map((placed) => instanceRow(placed, paint))) || 'none\n';
  return `=== ${paint.bold(node.name)}\n${facts}${trouble}\n=== ${paint.bold('Instances')}\n${instances}${renderCommands(node, context)}${renderSessionsBelow(node, context)}`;
}

/** The lines about running one-off commands. */
function renderCommands({ commands = [] }: NodeInfoBody, context: RenderContext): string {
  if (commands.length === 0) return '';
  const rows = renderTable(commands.map((command) => commandRow(command, context)));
  return `\n=== ${context.paint.bold('One-off commands')}\n${rows}`;
}

function renderSessionsBelow({ sessions = [] }: NodeInfoBody, context: RenderContext): string {
  return sessions.length === 0 ? '' : `\n${renderSessions(sessions, context)}`;
}

function stateOf(node: NodeInfoBody, { paint, nowMs }: RenderContext): Cell {
  const left =
    node.drainUntilMs === undefined ? '' : ` for another ${formatRemaining(node.drainUntilMs - nowMs)} at most`;
  const extra = node.draining === true ? `, draining${left}` : node.cordoned === true ? ', cordoned' : '';
  if (node.connected) return { text: `connected${extra}`, paint: extra === '' ? paint.green : paint.yellow };
  const silent = node.lastSeenMsAgo === undefined ? '' : `, silent for ${formatDuration(node.lastSeenMsAgo)}`;
  return {
    text: `not connected${silent}${node.lost === true ? ', lost: its instances start on other nodes where they may' : ''}${extra}`,
    paint: paint.red,
  };
}

/** Empty if there were none, so that the line is left out. */
function renderUnreadable(unreadable: NodeInfoBody['unreadableRequests'], nowMs: number): string {
  if (unreadable?.last === undefined) return '';
  const { atMs, cause } = unreadable.last;
  return `${String(unreadable.count)} since its agent started, the last ${renderAgo(atMs, nowMs)} (${cause})`;
}

function renderSizes(free: number | undefined, all: number | undefined): string {
  if (all === undefined || all === 0) return free === undefined || free === 0 ? '' : `${renderBytes(free)} free`;
  return free === undefined ? renderBytes(all) : `${renderBytes(free)} free of ${renderBytes(all)}`;
}

function instanceRow(placed: PlacedBody, paint: Paint): Cell[] {
  const { app, name, release, state } = placed;
  const colour = state === 'live' ? paint.green : state === 'failed' || state === 'backoff' ? paint.red : paint.yellow;
  return [app, name, `v${String(release)}`, { text: state, paint: colour }, nextStepOf(placed)];
}

function nextStepOf({ desired, movingTo, waits }: PlacedBody): string {
  if (movingTo !== undefined) return `moves to ${movingTo}`;
  if (waits !== undefined) return `must move but cannot: ${waits}`;
  if (desired === 'standby') return 'standby for a rollback';
  return desired === 'stop' ? 'is being stopped' : '';
}

/** One line for each instance, each session in one, and each one-off command that is still on the node. */
export function renderDrainStep(node: NodeInfoBody, paint: Paint): readonly string[] {
  const instances = node.placed.map((placed) => {
    const step = nextStepOf(placed);
    return `${paint.bold(placed.name)} of ${placed.app}: ${step === '' ? 'waits to be moved' : step}`;
  });
  const sessions = (node.sessions ?? []).map(
    (session) =>
      `${paint.bold(session.instance)} of ${session.app}: ${saySession(session)}; it ends when the instance has moved`,
  );
  return [
    ...instances,
    ...sessions,
    ...(node.commands ?? []).map((command) => commandStep(command, node.drainUntilMs, paint)),
  ];
}

function commandStep({ app, name, stopping }: RunningCommandBody, untilMs: number | undefined, paint: Paint): string {
  const until = untilMs === undefined ? 'the deadline' : `${renderTime(untilMs)} UTC`;
  const step = stopping === true ? 'is being stopped' : `still runs; it is stopped at ${until}`;
  return `${paint.bold(name)} of ${app}: ${step}`;
}
