import type { BuildBody } from '../../shared/api/builds.ts';
import { BUILDS_KEPT, KEPT_WORDS } from '../../shared/domain/history.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { PageContext } from '../terminal/render-context.ts';
import { stateCell } from '../terminal/state-cell.ts';
import { renderTable, type Cell } from '../terminal/table.ts';
import { renderAgo } from '../terminal/time.ts';

export function renderBuilds(
  app: string,
  builds: readonly BuildBody[],
  { paint, nowMs, isEnd = false }: PageContext,
): string {
  if (builds.length === 0) return `${app} has no builds yet. Start one with: git push slipway main\n`;
  const rows = builds.map((build): Cell[] => [
    build.id,
    stateCell(build.state, paint),
    build.commit.slice(0, 7),
    build.user,
    renderAgo(build.createdAtMs, nowMs),
    build.finishedAtMs === undefined ? '' : `took ${formatDuration(build.finishedAtMs - build.createdAtMs)}`,
    build.failure?.message ?? '',
  ]);
  const older = isEnd && builds.length >= BUILDS_KEPT ? `${KEPT_WORDS.builds}\n` : '';
  return `=== ${paint.bold(`${app} builds`)}\n${renderTable(rows)}${older}`;
}
