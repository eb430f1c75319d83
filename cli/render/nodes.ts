import type { BuildersBody } from '../../shared/api/builds.ts';
import type { LostAfterBody, NodeInfoBody, PlacedBody, RebalanceBody } from '../../shared/api/nodes.ts';
import { sayWhoBuilds } from '../../shared/domain/placement.ts';
import type { Look } from './history.ts';
import type { Paint } from './paint.ts';
import { renderProblems } from './problems.ts';
import { renderTable, type Cell } from './table.ts';
import { renderAgo, renderBytes, renderDuration, renderLeft, renderTime } from './time.ts';

export function renderNodeInfo(node: NodeInfoBody, look: Look): string {
  const { paint, nowMs } = look;
  const rows: [string, Cell][] = [
    ['State:', stateOf(node, look)],
    [
      'Labels:',
      Object.entries(node.labels)
        .map(([name, value]) => `${name}=${value}`)
        .sort()
        .join(' '),
    ],
    ['System:', [node.platform, node.kernel].filter((part) => part !== undefined && part !== '').join(', kernel ')],
    ['Memory:', sizes(node.memoryFreeBytes, node.memoryBytes)],
    ['Disk:', sizes(node.diskFreeBytes, node.diskBytes)],
    [
      'Load:',
      node.load1 === undefined
        ? ''
        : `${node.load1.toFixed(2)}${node.cpus === undefined ? '' : ` on ${String(node.cpus)} CPUs`}`,
    ],
    ['Agent:', [node.agentVersion, node.sandboxDriver].filter((part) => part !== undefined && part !== '').join(', ')],
    ['Proxy:', node.proxyVersion === undefined || node.proxyVersion === '' ? '' : `HAProxy ${node.proxyVersion}`],
    ['Unreadable requests:', sayUnreadable(node.unreadableRequests, nowMs)],
    ['Missing:', node.missing.join(', ')],
    ['Trouble:', node.trouble?.message ?? ''],
    ['Joined:', `${renderTime(node.joinedAtMs)} (${renderAgo(node.joinedAtMs, nowMs)})`],
  ];
  const facts = renderTable(rows.filter(([, value]) => value !== ''));
  const trouble = node.versionTrouble === undefined ? '' : `\n${renderProblems([node.versionTrouble], paint)}`;
  const instances = renderTable(node.placed.map((placed) => instanceRow(placed, paint))) || 'none\n';
  return `=== ${paint.bold(node.name)}\n${facts}${trouble}\n=== ${paint.bold('Instances')}\n${instances}`;
}

function stateOf(node: NodeInfoBody, { paint, nowMs }: Look): Cell {
  const left = node.drainUntilMs === undefined ? '' : ` for another ${renderLeft(node.drainUntilMs - nowMs)} at most`;
  const extra = node.draining === true ? `, draining${left}` : node.cordoned === true ? ', cordoned' : '';
  if (node.connected) return { text: `connected${extra}`, paint: extra === '' ? paint.green : paint.yellow };
  const silent = node.lastSeenMsAgo === undefined ? '' : `, silent for ${renderDuration(node.lastSeenMsAgo)}`;
  return {
    text: `not connected${silent}${node.lost === true ? ', lost: what may leave it is started elsewhere' : ''}${extra}`,
    paint: paint.red,
  };
}

/** A node without any of them has no such line. */
function sayUnreadable(unreadable: NodeInfoBody['unreadableRequests'], nowMs: number): string {
  if (unreadable?.last === undefined) return '';
  const { atMs, cause } = unreadable.last;
  return `${String(unreadable.count)} since its agent started, the last ${renderAgo(atMs, nowMs)} (${cause})`;
}

function sizes(free: number | undefined, all: number | undefined): string {
  if (all === undefined || all === 0) return free === undefined || free === 0 ? '' : `${renderBytes(free)} free`;
  return free === undefined ? renderBytes(all) : `${renderBytes(free)} free of ${renderBytes(all)}`;
}

function instanceRow(placed: PlacedBody, paint: Paint): Cell[] {
  const { app, name, release, state } = placed;
  const colour = state === 'live' ? paint.green : state === 'failed' || state === 'backoff' ? paint.red : paint.yellow;
  return [app, name, `v${String(release)}`, { text: state, paint: colour }, fateOf(placed)];
}

function fateOf({ desired, movingTo, waits }: PlacedBody): string {
  if (movingTo !== undefined) return `moves to ${movingTo}`;
  if (waits !== undefined) return `has to leave and cannot: ${waits}`;
  if (desired === 'standby') return 'kept warm for a rollback';
  return desired === 'stop' ? 'is being stopped' : '';
}

/** One line for each instance that is still there. */
export function renderDrainStep(node: NodeInfoBody, paint: Paint): readonly string[] {
  return node.placed.map((placed) => {
    const fate = fateOf(placed);
    return `${paint.bold(placed.name)} of ${placed.app}: ${fate === '' ? 'waits for its turn' : fate}`;
  });
}

export function renderMoves({ moves, running }: RebalanceBody, paint: Paint): string {
  if (moves.length === 0) return 'The fleet is even: nothing to move.\n';
  const rows = moves.map(({ app, instance, from, to, state }) => [
    app,
    instance,
    `${from} → ${to}`,
    state === 'planned' ? '' : state,
  ]);
  const title = `=== ${paint.bold(running ? 'Rebalancing, one move at a time' : 'Moves that would even the fleet out')}\n`;
  return `${title}${renderTable(rows)}${running ? '' : '\nMake them with: slipway rebalance --yes\n'}`;
}

export function renderLostAfter(app: string, { lostAfterMs, defaultMs }: LostAfterBody): string {
  if (lostAfterMs === 'never') return `${app}: instances stay with their node however long it is silent.\n`;
  const common = lostAfterMs === undefined ? " (the controller's default)" : '';
  return `${app}: instances are started elsewhere when their node has been silent for ${renderDuration(lostAfterMs ?? defaultMs)}${common}.\n`;
}

const NO_BUILDER = { message: 'No node builds now, so pushes are refused.', next: 'slipway builders:set --any' };

export function renderBuilders({ require: required, nodes }: BuildersBody, paint: Paint): string {
  const rows = nodes.map(({ name, whyNot }): Cell[] => {
    const word =
      whyNot === undefined ? { text: 'builds', paint: paint.green } : { text: 'does not', paint: paint.yellow };
    return [name, word, whyNot ?? ''];
  });
  const nobody = nodes.every(({ whyNot }) => whyNot !== undefined) ? `\n${renderProblems([NO_BUILDER], paint)}` : '';
  return `=== ${paint.bold('Builders')}\n${sayWhoBuilds(required)}\n${renderTable(rows)}${nobody}`;
}
