import { readdir, readFile } from 'node:fs/promises';
import { isId } from '../../../shared/domain/ids.ts';
import { byApp, isIdOf } from '../by-app.ts';
import type { NamedApp, Place } from '../port.ts';

interface OwnedProcess {
  readonly pid: string;
  /** User and group ids of the host that the process has or can take. */
  readonly ids: readonly number[];
}

/**
 * Processes with a user or group id of the app. All sandboxes were removed before, so such a process is an error. The agent ends only processes
 * in its own control groups, so it reports other processes to the operator.
 * @param ownGroup name of the control group of this agent's sandboxes
 */
export function processesPlace(ownGroup: string): Place {
  return {
    name: 'process',
    means: 'time',
    look: async (apps) => {
      const ranged = apps.filter(({ uidBase }) => uidBase !== 0);
      if (ranged.length === 0) return new Map();
      const found = await processesOf(ranged, ownGroup);
      return byApp(ranged, (app) => found.filter(({ ids }) => ids.some((id) => isIdOf(app, id))).map(({ pid }) => pid));
    },
  };
}

async function processesOf(apps: readonly NamedApp[], ownGroup: string): Promise<readonly OwnedProcess[]> {
  const found: OwnedProcess[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const ids = idsOf(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));
    if (!ids.some((id) => apps.some((app) => isIdOf(app, id)))) continue;
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => undefined);
    if (groups !== undefined && !isOfOtherAgent(groups, ownGroup)) found.push({ pid, ids });
  }
  return found;
}

/** Pure: real, effective, saved and file system ids in /proc/PID/status. */
export function idsOf(status: string): readonly number[] {
  const lines = [...status.matchAll(/^(?:Uid|Gid):\s+([\d\s]+)$/gm)];
  return [...new Set(lines.flatMap(([, ids = '']) => ids.trim().split(/\s+/).map(Number)))];
}

/** Pure: whether /proc/PID/cgroup names a sandbox of another agent on this machine. Its controller can give the same user ids. */
export function isOfOtherAgent(groups: string, ownGroup: string): boolean {
  const places = groups.split('\n').map((line) => line.split('/'));
  const owners = places.flatMap((parts) =>
    parts.filter((_, at) => isId(parts[at + 1] ?? '') && /^(app|help)$/.test(parts[at + 2] ?? '')),
  );
  return owners.length > 0 && !owners.includes(ownGroup);
}
