import { mkdir } from 'node:fs/promises';
import { sandboxesDir } from './config.ts';
import type { IsolatedParts } from './isolated-parts.ts';
import { loadWholeRecords, sandboxIds } from './record.ts';

/**
 * Removes the sandboxes that an earlier agent left half-made or that did not survive a boot, and adopts those that run.
 * @returns the ids of those whose removal failed
 */
export async function sweepSandboxes(parts: IsolatedParts, remove: (id: string) => Promise<void>): Promise<readonly string[]> {
  const { base, disks, namespaces, cgroups, bootId, log } = parts;
  await mkdir(sandboxesDir(base), { recursive: true, mode: 0o711 });
  const whole = await loadWholeRecords(base, bootId);
  await namespaces.adopt(new Set(whole.filter((record) => record.bootId === bootId).map((record) => record.netns ?? '')));
  const keep = new Set(whole.map((record) => record.id));
  const known = new Set([...(await sandboxIds(base)), ...(await cgroups.list())]);
  const failed: string[] = [];
  for (const id of known) {
    if (keep.has(id)) continue;
    log.info({ id }, 'half-made or lost sandbox removed');
    await remove(id).catch(() => failed.push(id));
  }
  await disks.sweep();
  void namespaces.refill();
  return failed;
}
