import { readFile } from 'node:fs/promises';

/** When the machine runs out of memory, the kernel ends an app before a process of the machine. */
const APP_SCORE = 500;
const CAP_SYS_RESOURCE = 24n;

/**
 * The `oom_score_adj` of a sandbox's processes. A process can lower its own score down to the last one that a privileged process set.
 * Without CAP_SYS_RESOURCE this floor stays 0, and then a higher score is only for those that do not lower it. Pure.
 */
export function oomScoreAdjust(procStatus: string): number {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(procStatus)?.[1];
  const canSetFloor = effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
  return canSetFloor ? APP_SCORE : 0;
}

/** What this agent can give. */
export async function ownOomScoreAdjust(): Promise<number> {
  return oomScoreAdjust(await readFile('/proc/self/status', 'utf8'));
}
