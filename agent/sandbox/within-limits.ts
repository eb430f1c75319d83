import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Cgroups } from './cgroup/port.ts';
import { killBelow } from './cgroup/tree.ts';

const JOIN = 'for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit 70; done; shift; exec "$@"';

/** The command line that runs a program of this machine in the control groups of a sandbox, so its use counts as the sandbox's own. */
export async function withinLimits(cgroups: Cgroups, id: string, argv: readonly string[]): Promise<readonly string[]> {
  const dirs = cgroups.helperDirs(id);
  for (const dir of dirs) await mkdir(dir, { recursive: true });
  return ['/bin/sh', '-c', JOIN, 'within-limits', dirs.join(' '), ...argv];
}

/** Such programs go on when the agent is killed. */
export async function killHelpers(cgroups: Cgroups, id: string, clock: Clock): Promise<void> {
  for (const dir of cgroups.helperDirs(id)) await killBelow(dir, clock);
}
