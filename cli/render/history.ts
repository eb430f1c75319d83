import type { BuildBody } from '../../shared/api/builds.ts';
import type { ReleaseBody } from '../../shared/api/releases.ts';
import { BUILDS_KEPT, KEPT_WORDS } from '../../shared/domain/history.ts';
import type { Paint } from './paint.ts';
import { renderTable, type Cell } from './table.ts';
import { renderAgo, renderDuration } from './time.ts';

/** Newest first, the current one marked. */
export function renderReleases(
  app: string,
  releases: readonly ReleaseBody[],
  { paint, nowMs, isEnd = false }: PageLook,
): string {
  if (releases.length === 0) return `${app} has no releases yet. Make one with: git push slipway main\n`;
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

export function renderBuilds(
  app: string,
  builds: readonly BuildBody[],
  { paint, nowMs, isEnd = false }: PageLook,
): string {
  if (builds.length === 0) return `${app} has no builds yet. Make one with: git push slipway main\n`;
  const rows = builds.map((build): Cell[] => [
    build.id,
    stateCell(build.state, paint),
    build.commit.slice(0, 7),
    build.user,
    renderAgo(build.createdAtMs, nowMs),
    build.finishedAtMs === undefined ? '' : `took ${renderDuration(build.finishedAtMs - build.createdAtMs)}`,
    build.failure?.message ?? '',
  ]);
  const older = isEnd && builds.length >= BUILDS_KEPT ? `${KEPT_WORDS.builds}\n` : '';
  return `=== ${paint.bold(`${app} builds`)}\n${renderTable(rows)}${older}`;
}

export interface Look {
  readonly paint: Paint;
  readonly nowMs: number;
}

interface PageLook extends Look {
  /** The list ends with the oldest that is kept. */
  readonly isEnd?: boolean;
}

const COLOURS: Readonly<Record<string, 'green' | 'red' | 'yellow' | undefined>> = {
  current: 'green',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'yellow',
  deploying: 'yellow',
  pending: 'yellow',
  queued: 'yellow',
  running: 'yellow',
};

function stateCell(state: string, paint: Paint): Cell {
  const colour = COLOURS[state];
  return colour === undefined ? state : { text: state, paint: paint[colour] };
}
