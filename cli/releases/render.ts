import type { PromotedBody, ReleaseBody } from '../../shared/api/releases.ts';
import { KEPT_WORDS } from '../../shared/domain/history.ts';
import type { PageContext } from '../terminal/render-context.ts';
import { stateCell } from '../terminal/state-cell.ts';
import { renderTable, type Cell } from '../terminal/table.ts';
import { renderAgo } from '../terminal/time.ts';

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
    release.failure?.message ?? '',
  ]);
  const older = isEnd && (releases.at(-1)?.version ?? 1) > 1 ? `${KEPT_WORDS.releases}\n` : '';
  return `=== ${paint.bold(`${app} releases`)}\n${renderTable(rows)}${older}`;
}

export function renderPromoted({ app, version, from, commit }: PromotedBody): string {
  const what = `v${String(from.version)} of ${from.app} (commit ${commit.slice(0, 7)})`;
  return `Promoted ${what} to ${app}: it is live there as v${String(version)}, with the config vars of ${app}\n`;
}
