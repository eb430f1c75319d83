import { mkdir } from 'node:fs/promises';
import { sandboxesDir } from './config.ts';
import type { IsolatedParts } from './isolated-parts.ts';
import { netnsOwner } from './netns-owner.ts';
import { loadWholeRecords, sandboxIds } from './record.ts';

/**
 * Removes the sandboxes that an earlier agent left half-made or that did not survive a boot, and adopts those that run.
 * @returns the ids of those whose removal failed
 */
export async function sweepSandboxes(
  parts: IsolatedParts,
  remove: (id: string) => Promise<void>,
): Promise<readonly string[]> {
  const { base, disks, namespaces, cgroups, bootId, log } = parts;
  await mkdir(sandboxesDir(base), { recursive: true, mode: 0o711 });
  const whole = await loadWholeRecords(base, bootId);
  await namespaces.adopt(
    new Set(whole.filter((record) => record.bootId === bootId).map((record) => record.netns ?? '')),
  );
  const keep = new Set(whole.map((record) => record.id));
  const known = new Set([...(await sandboxIds(base)), ...(await cgroups.list())]);
  const failed: string[] = [];
  for (const id of known) {
    if (keep.has(id)) continue;
    log.info({ id }, 'sandbox.swept');
    await remove(id).catch(() => failed.push(id));
  }
  await disks.sweepTemplates();
  void namespaces.refill();
  return failed;
}

/**
 * Removes disks and namespaces that belong to nobody, and never what is being made or waits to be used. At every look at the host: a program of
 * a killed agent runs on, and may make one after the first look of the next agent.
 */
export async function sweepReserves(
  parts: Pick<IsolatedParts, 'disks' | 'namespaces' | 'base' | 'bootId' | 'cgroups'>,
): Promise<void> {
  await parts.disks.sweep();
  await parts.namespaces.sweep((netns) => netnsOwner(netns, parts));
}
