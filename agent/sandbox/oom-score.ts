import { readFile } from 'node:fs/promises';

/** When the machine runs out of memory, the kernel ends an app before a process of the machine. */
const APP_SCORE = 500;
const CAP_SYS_RESOURCE = 24n;

/**
 * The `oom_score_adj` of a sandbox's processes. A process can lower its own score down to the last value that a privileged process set.
 * Without CAP_SYS_RESOURCE this minimum stays 0, so a hostile app could lower a higher score to 0. Pure.
 */
export function oomScoreAdjust(procStatus: string): number {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(procStatus)?.[1];
  const canSetFloor = effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
  return canSetFloor ? APP_SCORE : 0;
}

/** The score that this agent can set. */
export async function ownOomScoreAdjust(): Promise<number> {
  return oomScoreAdjust(await readFile('/proc/self/status', 'utf8'));
}
