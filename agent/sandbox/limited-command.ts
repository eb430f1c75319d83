import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Cgroups } from './cgroup/port.ts';
import { killBelow } from './cgroup/tree.ts';

const JOIN = 'for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit 70; done; shift; exec "$@"';

/** The command line that runs a host program in the control groups of a sandbox. Its use counts as the sandbox's own. */
export async function limitedCommand(
  cgroups: Cgroups,
  id: string,
  argv: readonly string[],
): Promise<readonly string[]> {
  const dirs = cgroups.helperDirs(id);
  for (const dir of dirs) await mkdir(dir, { recursive: true });
  return ['/bin/sh', '-c', JOIN, 'limited-command', dirs.join(' '), ...argv];
}

/** These programs continue when the agent is killed, so the removal of a sandbox kills them. */
export async function killLimitedCommands(cgroups: Cgroups, id: string, clock: Clock): Promise<void> {
  for (const dir of cgroups.helperDirs(id)) await killBelow(dir, clock);
}
