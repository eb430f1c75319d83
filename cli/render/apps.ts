import type { AppBody, AppInfoBody } from '../../shared/api/apps.ts';
import type { KeyBody, UserBody } from '../../shared/api/identity.ts';
import type { NodeBody } from '../../shared/api/nodes.ts';
import type { ConfigBody } from '../../shared/api/releases.ts';
import { escapeControls } from './escape.ts';
import type { Paint } from './paint.ts';
import { renderProblems } from './problems.ts';
import { renderTable } from './table.ts';
import { renderAgo, renderBytes, renderDuration, renderTime } from './time.ts';

export function renderApps(apps: readonly AppBody[], paint: Paint): string {
  if (apps.length === 0) return 'You have no apps. Create one with: slipway create\n';
  return `=== ${paint.bold('Apps')}\n${renderTable(apps.map((app) => [app.name, app.owner, { text: app.webUrl, paint: paint.cyan }]))}`;
}

export function renderAppInfo(app: AppInfoBody, paint: Paint, nowMs: number): string {
  const { release } = app;
  const formation = Object.entries(app.formation).map(([type, count]) => `${type}=${count}`);
  const rows: [string, string][] = [
    [
      'Release:',
      release === undefined
        ? 'none yet'
        : `v${release.version}, ${release.description}, ${renderAgo(release.createdAtMs, nowMs)}`,
    ],
    ['Web URL:', app.webUrl],
    ['Git URL:', app.gitUrl],
    ['Owner:', app.owner],
    ['Stack:', app.stack],
    ['Buildpacks:', app.buildpacks.join(', ')],
    ['Root:', app.root ?? ''],
    ['Processes:', formation.join(' ')],
    ['Slug size:', app.slugSizeBytes === undefined ? '' : renderBytes(app.slugSizeBytes)],
    ['Created:', renderTime(app.createdAtMs)],
  ];
  return `=== ${paint.bold(app.name)}\n${renderTable(rows.filter(([, value]) => value !== ''))}`;
}

export function renderKeys(keys: readonly KeyBody[], paint: Paint): string {
  if (keys.length === 0) return 'You have no SSH keys here. Add one with: slipway keys:add\n';
  const rows = keys.map((key) => [key.fingerprint, key.publicKey.split(' ')[0] ?? '', key.comment]);
  return `=== ${paint.bold('SSH keys')}\n${renderTable(rows)}`;
}

export function renderUsers(users: readonly UserBody[], paint: Paint): string {
  return `=== ${paint.bold('Users')}\n${renderTable(users.map((user) => [user.name, user.admin ? 'admin' : '', renderTime(user.createdAtMs)]))}`;
}

export function renderConfig(app: string, { config }: ConfigBody, paint: Paint): string {
  const vars = Object.entries(config);
  if (vars.length === 0) return `${app} has no config vars.\n`;
  const rows = vars.map(([name, value]) => [{ text: `${name}:`, paint: paint.green }, escapeControls(value)]);
  return `=== ${paint.bold(`${app} config vars`)}\n${renderTable(rows)}`;
}

/** For `. <(slipway config -s)`: quoted so that a shell takes every value as it is. */
export function renderConfigForShell({ config }: ConfigBody): string {
  return Object.entries(config)
    .map(
      ([name, value]) =>
        `${name}=${/^[A-Za-z0-9_./:@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`}\n`,
    )
    .join('');
}

/** Heroku's names for the fields of an app. */
export function renderAppInfoForShell(app: AppInfoBody): string {
  const config = {
    name: app.name,
    owner: app.owner,
    stack: app.stack,
    web_url: app.webUrl,
    git_url: app.gitUrl,
    created_at: new Date(app.createdAtMs).toISOString(),
    ...(app.slugSizeBytes === undefined ? {} : { slug_size: String(app.slugSizeBytes) }),
    ...(app.release === undefined ? {} : { release: `v${String(app.release.version)}` }),
  };
  return renderConfigForShell({ config });
}

export function renderNodes(nodes: readonly NodeBody[], paint: Paint): string {
  if (nodes.length === 0) return 'No node has joined yet. Make a token for one with: slipway nodes:token\n';
  const troubles = nodes.flatMap(({ versionTrouble: trouble }) => (trouble === undefined ? [] : [trouble]));
  const rest = troubles.length === 0 ? '' : `\n${renderProblems(troubles, paint)}`;
  return `=== ${paint.bold('Nodes')}\n${renderTable(nodes.map((node) => nodeRow(node, paint)))}${rest}`;
}

function nodeState(node: NodeBody, paint: Paint): { text: string; paint: (text: string) => string } {
  const extra = node.draining === true ? ', draining' : node.cordoned === true ? ', cordoned' : '';
  if (node.connected) return { text: `connected${extra}`, paint: extra === '' ? paint.green : paint.yellow };
  return { text: `${node.lost === true ? 'lost' : 'not connected'}${extra}`, paint: paint.red };
}

export function nodeRow(node: NodeBody, paint: Paint): (string | { text: string; paint: (text: string) => string })[] {
  return [
    node.name,
    nodeState(node, paint),
    [node.sandboxDriver, node.builder === true ? 'builder' : undefined].filter((part) => part !== undefined).join(', '),
    [node.agentVersion?.split('+')[0], node.platform].filter((part) => part !== undefined && part !== '').join(' on '),
    renderFree(node),
    node.load1 === undefined
      ? ''
      : `load ${node.load1.toFixed(2)}${node.instances === undefined ? '' : `, ${node.instances} up`}`,
    node.connected || node.lastSeenMsAgo === undefined ? '' : `last heard ${renderDuration(node.lastSeenMsAgo)} ago`,
  ];
}

/** `48.2 GB disk, 1.2 GB memory free` */
function renderFree({ diskFreeBytes, memoryFreeBytes }: NodeBody): string {
  if (diskFreeBytes === undefined) return '';
  if (memoryFreeBytes === undefined) return `${renderBytes(diskFreeBytes)} free`;
  return `${renderBytes(diskFreeBytes)} disk, ${renderBytes(memoryFreeBytes)} memory free`;
}
