import type { SessionBody } from '../../shared/api/attach.ts';
import { SAY_PURPOSE } from '../../shared/attach/purpose.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { RenderContext } from './render-context.ts';
import { renderTable } from './table.ts';

/** `ada has a terminal in web.1` */
export function saySession({ user, purpose, instance }: SessionBody): string {
  return `${user} ${SAY_PURPOSE[purpose]} ${instance}`;
}

/** The section about sessions in instances. Empty if there are none. */
export function renderSessions(sessions: readonly SessionBody[], { paint, nowMs }: RenderContext): string {
  if (sessions.length === 0) return '';
  const rows = sessions.map((session) => [
    session.app,
    saySession(session),
    `v${String(session.release)} on ${session.node}`,
    `for ${formatDuration(nowMs - session.openedAtMs)}`,
  ]);
  return `=== ${paint.bold('Sessions')}\n${renderTable(rows)}`;
}
