import { mkdir } from 'node:fs/promises';
import { sandboxesDir } from './config.ts';
import type { IsolatedParts } from './isolated-parts.ts';
import { netnsOwner } from './netns-owner.ts';
import { loadWholeRecords, sandboxIds } from './record.ts';

/**
 * Removes sandboxes that are incomplete or that a reboot ended, and adopts those that run.
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
 * Removes disks and namespaces that belong to no sandbox and to no pool. It runs at every check of the host, because a program of a killed agent
 * may still make one after the first check of the next agent.
 */
export async function sweepReserves(
  parts: Pick<IsolatedParts, 'disks' | 'namespaces' | 'base' | 'bootId' | 'cgroups'>,
): Promise<void> {
  await parts.disks.sweep();
  await parts.namespaces.sweep((netns) => netnsOwner(netns, parts));
}
