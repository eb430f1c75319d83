import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Limits that the kernel counts for the user who made a user namespace. Root makes all of them, so these few would be for all sandboxes and
 * the machine's own services together, and one app could take them. What each of these objects costs is counted in the memory of its sandbox,
 * and that limit remains.
 */
const SHARED_LIMITS: Readonly<Record<string, number>> = Object.freeze({
  'fs/inotify/max_user_instances': 2 ** 20,
  'fs/inotify/max_user_watches': 2 ** 26,
});

/** Raises them, and lowers none. A machine that does not let us, a container for example, keeps its own. */
export async function raiseSharedLimits(sysctlDir = '/proc/sys'): Promise<void> {
  for (const [name, least] of Object.entries(SHARED_LIMITS)) {
    const path = join(sysctlDir, name);
    const found = await readFile(path, 'utf8').catch(() => undefined);
    if (found === undefined || Number(found) >= least) continue;
    await writeFile(path, String(least)).catch(() => undefined);
  }
}
