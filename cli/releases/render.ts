import type { ReleaseDetails, RetentionBody, RolledBackBody } from '../../shared/api/release-history.ts';
import type { PromotedBody, ReleaseBody } from '../../shared/api/releases.ts';
import { KEPT_WORDS } from '../../shared/domain/history.ts';
import { renderSwitch } from '../terminal/switch-lines.ts';
import type { PageContext, RenderContext } from '../terminal/render-context.ts';
import { stateCell } from '../terminal/state-cell.ts';
import { renderTable, type Cell } from '../terminal/table.ts';
import { renderAgo, renderBytes } from '../terminal/time.ts';

export function renderReleases(
  app: string,
  releases: readonly ReleaseBody[],
  { paint, nowMs, isEnd = false }: PageContext,
): string {
  if (releases.length === 0) return `${app} has no releases yet. Create one with: git push slipway main\n`;
  const rows = releases.map((release): Cell[] => [
    `v${release.version}`,
    stateCell(release.state, paint),
    release.description,
    release.user,
    renderAgo(release.createdAtMs, nowMs),
    release.failure?.message ?? (release.pinned === true ? 'pinned' : ''),
  ]);
  const older = isEnd && (releases.at(-1)?.version ?? 1) > 1 ? `${KEPT_WORDS.releases}\n` : '';
  return `=== ${paint.bold(`${app} releases`)}\n${renderTable(rows)}${older}`;
}

export function renderPromoted(body: PromotedBody): string {
  const { app, version, from, commit, failedScripts = [], switch: switched } = body;
  const what = `v${String(from.version)} of ${from.app} (commit ${commit.slice(0, 7)})`;
  const live = `Promoted ${what} to ${app}: it is live there as v${String(version)}, with the config vars of ${app}\n${renderSwitch(switched).join('')}`;
  const output = ` !     Look at the output with: slipway releases:output v${String(version)} -a ${app}\n`;
  return `${live}${failedScripts.map((why) => ` !     ${why}\n`).join('')}${failedScripts.length === 0 ? '' : output}`;
}

export function renderRelease(app: string, release: ReleaseDetails, { paint, nowMs }: RenderContext): string {
  const { state, failure, build } = release;
  const facts: (readonly [string, Cell])[] = [
    ['State', stateCell(state, paint)],
    ...(failure === undefined ? [] : [['Failure', failure.message] as const]),
    ['Change', release.description],
    ['By', release.user],
    ['When', renderAgo(release.createdAtMs, nowMs)],
    ['Commit', release.commit],
    ...renderSwitch(release.switch).map((line, index) => [index === 0 ? 'Switch' : '', line.trimEnd()] as const),
    ...(build === undefined ? [] : [['Build', build] as const]),
    ['Slug', `${renderBytes(release.sizeBytes)}, ${slugFate(release)}`],
    ['Stack', release.stack],
    ['Buildpacks', release.buildpacks.join(', ') || 'none'],
    ...checkFacts(release),
    ['Config vars', release.configNames.join(', ') || 'none'],
  ];
  const types = Object.entries(release.processTypes).map(([type, command]) => [type, command]);
  const output = release.hasOutput
    ? `Output of its commands: slipway releases:output v${String(release.version)} -a ${app}\n`
    : '';
  const head = `=== ${paint.bold(`${app} v${String(release.version)}`)}\n`;
  return `${head}${renderTable(facts.map(([name, cell]) => [name === '' ? '' : `${name}:`, cell]))}Process types:\n${renderTable(types, '  ')}${output}`;
}

function checkFacts({ checks = {} }: ReleaseDetails): (readonly [string, Cell])[] {
  const all = Object.entries(checks).flatMap(([type, each]) => each.map((one) => `${type} ${one.type} (${one.asks})`));
  return all.length === 0 ? [] : [['Health checks', all.join(', ')]];
}

function slugFate({ state, pinned, restorable }: ReleaseDetails): string {
  if (pinned === true) return 'pinned';
  if (restorable) return 'kept for a rollback';
  return state === 'superseded' ? 'removed: a rollback cannot restore this release' : 'in use by this release';
}

/** As Heroku does, it warns that the config went back too; and the health checks. */
export function renderRolledBack(app: string, body: RolledBackBody): string {
  const { version, to, commit, changed, changedChecks = [], from } = body;
  const config =
    changed.length === 0
      ? 'The config vars did not change.'
      : `The config vars are those of v${String(to)} again. Changed: ${changed.join(', ')}.`;
  const checks =
    changedChecks.length === 0
      ? ''
      : `The health checks of checks:set are those of v${String(to)} again. Changed: ${changedChecks.join(', ')}.\n`;
  const undo = from === undefined ? '' : `Undo with: slipway rollback v${String(from)} -a ${app}\n`;
  return `Rolled back ${app} to v${String(to)} (commit ${commit.slice(0, 7)}), live as v${String(version)}\n${renderSwitch(body.switch).join('')}${config}\n${checks}${undo}`;
}

export function renderRetention(app: string, { slugs, isDefault, restorable, pinned }: RetentionBody): string {
  const count = `${String(slugs)} ${slugs === 1 ? 'slug' : 'slugs'}`;
  const rows = [
    ['Kept before the current one:', `${count}${isDefault ? ' (default)' : ''}`],
    ['Pinned:', versions(pinned)],
    ['A rollback can restore:', versions(restorable)],
  ];
  return `=== ${app} retention\n${renderTable(rows)}`;
}

function versions(all: readonly number[]): string {
  return all.map((version) => `v${String(version)}`).join(', ') || 'none';
}
