import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Tables of the whole machine, and limits that the kernel counts for the user who created a user namespace. Root creates all of them, so all sandboxes and the machine's own
 * services would share these numbers, and one app could use them up. The memory of each such object counts for its sandbox, and this limit
 * remains.
 */
const SHARED_LIMITS: Readonly<Record<string, number>> = Object.freeze({
  'fs/inotify/max_user_instances': 2 ** 20,
  'fs/inotify/max_user_watches': 2 ** 26,
  'net/netfilter/nf_conntrack_max': 2 ** 18, // 80 MB of kernel memory when it is full; small machines begin with a quarter
});

/** Raises them and never lowers one. A machine that does not allow this, such as a container, keeps its numbers. */
export async function raiseSharedLimits(sysctlDir = '/proc/sys'): Promise<void> {
  for (const [name, least] of Object.entries(SHARED_LIMITS)) {
    const path = join(sysctlDir, name);
    const found = await readFile(path, 'utf8').catch(() => undefined);
    if (found === undefined || Number(found) >= least) continue;
    await writeFile(path, String(least)).catch(() => undefined);
  }
}
