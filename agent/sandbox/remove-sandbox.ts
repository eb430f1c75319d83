import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { instanceLayout } from './config.ts';
import { unmountBelow } from './files/mounts.ts';
import type { IsolatedParts } from './isolated-parts.ts';
import { endSandbox } from './launch.ts';
import { loadRecord } from './record.ts';
import { killLimitedCommands } from './limited-command.ts';

/**
 * Ends a sandbox and removes everything except its log. Idempotent, also for an incomplete sandbox. It unmounts first, so that it never
 * deletes files through a mount.
 */
export async function removeSandbox(id: string, parts: IsolatedParts): Promise<void> {
  const { cgroups, namespaces, hostNetwork, supervisor, tool, run, clock, base, bootId } = parts;
  const layout = instanceLayout(base, id);
  const record = await loadRecord(layout.record);
  if (record !== undefined && record.bootId !== bootId) await rm(layout.pidFile, { force: true }); // another process may have this number now
  await endSandbox(layout, { clock, killProcesses: () => cgroups.kill(id), killTool: () => cgroups.killAll(id) });
  await killLimitedCommands(cgroups, id, clock);
  if (existsSync(layout.dir)) {
    await supervisor.forget(id);
    await unmountBelow(layout.dir, run);
  }
  await hostNetwork.dismiss(id);
  if (record?.netns !== undefined && record.bootId === bootId) await namespaces.release(record.netns);
  await cgroups.remove(id);
  await rm(layout.exitFile, { force: true });
  for (const path of tool.leftovers(id, layout.dir)) await rm(path, { recursive: true, force: true });
  await rm(layout.dir, { recursive: true, force: true });
}
