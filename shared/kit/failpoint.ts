import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Named crash points for tests: `SLIPWAY_FAILPOINTS="release.committed=kill,push.received=sleep:5000"`.
 * Actions: `kill` (SIGKILL to ourselves), `throw`, `sleep:MS`. Does nothing when the variables are unset.
 * `SLIPWAY_FAILPOINTS_FILE=file` names a file with the same entries. It is read each time, so a test can change it while the program runs.
 * `SLIPWAY_FAILPOINT_TRACE=file` names a file to which each passed name is appended, so that a test knows the reached stage.
 */
export type Failpoint = (name: string) => Promise<void>;

export const noFailpoint: Failpoint = () => Promise.resolve();

/** Built once in the composition root from the process's environment. */
export function createFailpoint(env: Readonly<Record<string, string | undefined>>): Failpoint {
  const { SLIPWAY_FAILPOINTS: spec = '', SLIPWAY_FAILPOINTS_FILE: file, SLIPWAY_FAILPOINT_TRACE: trace } = env;
  if (spec === '' && file === undefined && trace === undefined) return noFailpoint;
  return async (name) => {
    if (trace !== undefined) appendFileSync(trace, `${name}\n`);
    const entries = file === undefined ? spec : `${spec},${readFileSync(file, 'utf8')}`;
    await act(parseEntries(entries).get(name), name);
  };
}

function parseEntries(text: string): ReadonlyMap<string, string> {
  return new Map(text.trim().split(',').filter(Boolean).map(parseEntry));
}

function parseEntry(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, 'kill'] : [entry.slice(0, at), entry.slice(at + 1)];
}

async function act(action: string | undefined, name: string): Promise<void> {
  if (action === undefined) return;
  if (action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (action === 'throw') throw new Error(`failpoint ${name}`);
  if (action.startsWith('sleep:')) await delay(Number(action.slice(6)));
}
