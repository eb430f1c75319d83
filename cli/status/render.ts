import type { AppStatusBody, StatusBody } from '../../shared/api/observe.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { commandRow } from '../terminal/command-row.ts';
import { nodeRow } from '../terminal/node-row.ts';
import { renderProblems } from '../terminal/problems.ts';
import { renderSessions } from '../terminal/session-rows.ts';
import { renderTable, type Cell } from '../terminal/table.ts';
import { renderAgo, renderTime } from '../terminal/time.ts';

/** One screen: problems first, each with the next command; then controller, nodes and apps. */
export function renderStatus(status: StatusBody, context: RenderContext): string {
  const { paint } = context;
  const { version, uptimeMs } = status.controller;
  const parts = [
    status.problems.length === 0
      ? `${paint.green('All is well.')}\n`
      : renderProblems(status.problems, paint) + more(status.moreProblems, 'problems'),
    `=== ${paint.bold('Controller')}\nversion ${version}, up ${formatDuration(uptimeMs)}\n`,
    `=== ${paint.bold('Nodes')}\n${renderTable(status.nodes.map((node) => nodeRow(node, paint))) || 'none\n'}`,
    `=== ${paint.bold('Apps')}\n${renderTable(status.apps.map((app) => appRow(app, context))) || 'none; create one with: slipway create\n'}${more(status.moreApps, 'apps; see all of them with: slipway apps')}`,
  ];
  const sessions = renderSessions(status.sessions ?? [], context) + more(status.moreSessions, 'sessions');
  const last = [renderCommands(status, context), sessions].filter((part) => part !== '');
  return [...parts, ...last].join('\n');
}

/** The section about running one-off commands. */
function renderCommands({ commands = [], moreCommands }: StatusBody, context: RenderContext): string {
  if (commands.length === 0) return '';
  const rows = renderTable(commands.map((command) => commandRow(command, context)));
  return `=== ${context.paint.bold('One-off commands')}\n${rows}${more(moreCommands, 'one-off commands')}`;
}

/** The number of entries that are not shown. */
function more(count: number | undefined, what: string): string {
  return count === undefined ? '' : `… and ${String(count)} more ${what}\n`;
}

/** The last status, if the controller no longer answers. */
export function renderOutdated(status: StatusBody, context: RenderContext): string {
  const { paint } = context;
  const since = renderTime(context.nowMs);
  return ` ${paint.red('!')}    The controller does not answer. This is its status of ${since}; trying again.\n\n${renderStatus(status, context)}`;
}

/** As the column READY of kubectl: an instance that is up and not ready does not count. */
function upText({ live, ready = live, desired, stopped }: AppStatusBody): string {
  if (stopped === 'all') return live === 0 ? 'stopped' : `stopping, ${live} up`;
  const rest = stopped === undefined ? '' : `, ${stopped.join(', ')} stopped`;
  return ready < live ? `${ready}/${desired} ready${rest}` : `${live}/${desired} up${rest}`;
}

function appRow(app: AppStatusBody, { paint, nowMs }: RenderContext): Cell[] {
  const well = (app.ready ?? app.live) === app.desired;
  return [
    app.name,
    app.release === undefined ? 'not deployed' : `v${app.release}`,
    app.release === undefined ? '' : { text: upText(app), paint: well ? paint.green : paint.red },
    app.nodes.length > 3 ? `on ${app.nodes.length} nodes` : app.nodes.length === 0 ? '' : `on ${app.nodes.join(', ')}`,
    app.lastDeployAtMs === undefined ? '' : `released ${renderAgo(app.lastDeployAtMs, nowMs)}`,
    { text: app.webUrl, paint: paint.cyan },
    app.maintenance === true ? { text: 'in maintenance', paint: paint.yellow } : '',
    app.lock === undefined ? '' : { text: `locked by ${app.lock.by}`, paint: paint.yellow },
  ];
}
