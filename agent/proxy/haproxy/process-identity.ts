import { readFile } from 'node:fs/promises';
import { readFileIfExists } from '../../../shared/kit/atomic-file.ts';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string;
}

/** `undefined` if it has ended or is a zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
  } catch {
    return undefined; // ENOENT, or ESRCH while it ends
  }
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  const startTime = fields[19];
  return startTime === undefined || fields[0] === 'Z' ? undefined : { pid, startTime };
}

/** The process in a `PID STARTTIME` file, if it still runs. */
export async function readPidFile(path: string): Promise<ProcessIdentity | undefined> {
  const match = /^(\d{1,10}) (\d{1,20})\n?$/.exec((await readFileIfExists(path)) ?? '');
  if (match?.[1] === undefined) return undefined;
  const found = await identify(Number(match[1]));
  return found?.startTime === match[2] ? found : undefined;
}
