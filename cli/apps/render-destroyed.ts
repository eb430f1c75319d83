import type { DestroyedAppBody } from '../../shared/api/apps.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';
import { renderAgo } from '../terminal/time.ts';

export function renderDestroyed(
  apps: readonly DestroyedAppBody[],
  { paint, nowMs }: { readonly paint: Paint; readonly nowMs: number },
): string {
  if (apps.length === 0) return 'No destroyed app has a range of user ids in quarantine, and none is free.\n';
  const rows = apps.flatMap((app) => rowsOf(app, nowMs));
  return `=== ${paint.bold('Ranges of user ids of destroyed apps')}\n${renderTable(rows)}`;
}

function rowsOf(
  { name, uidBase, destroyedAtMs, freeAtMs, awaited }: DestroyedAppBody,
  nowMs: number,
): readonly (readonly string[])[] {
  const about = [name, String(uidBase), `destroyed ${renderAgo(destroyedAtMs, nowMs)}`];
  if (freeAtMs !== undefined) return [[...about, 'free for another app']];
  return awaited.map(({ node, why }, at) => [...(at === 0 ? about : ['', '', '']), `waits for ${node}: ${why}`]);
}
