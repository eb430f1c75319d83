import type { AppBody, AppInfoBody } from '../../shared/api/apps.ts';
import { sayStopped } from '../../shared/domain/placement.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderConfigForShell } from '../terminal/shell-assignments.ts';
import { renderTable } from '../terminal/table.ts';
import { renderAgo, renderBytes, renderTime } from '../terminal/time.ts';

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
    ['Stopped:', app.stopped === undefined ? '' : `${sayStopped(app.stopped, app.name)} (slipway ps:start)`],
    ['Maintenance:', app.maintenance === true ? 'on (slipway maintenance:off)' : ''],
    ['Locked:', app.lock === undefined ? '' : renderLock(app.lock, nowMs)],
    ['Slug size:', app.slugSizeBytes === undefined ? '' : renderBytes(app.slugSizeBytes)],
    ['Created:', renderTime(app.createdAtMs)],
  ];
  return `=== ${paint.bold(app.name)}\n${renderTable(rows.filter(([, value]) => value !== ''))}`;
}

function renderLock({ why, by, atMs }: NonNullable<AppBody['lock']>, nowMs: number): string {
  return `by ${by} ${renderAgo(atMs, nowMs)}: ${why}`;
}

/** The fields of an app under the names that Heroku uses. */
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
