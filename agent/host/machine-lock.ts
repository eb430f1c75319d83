import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AgentConfig } from '../config.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { start } from '../../shared/kit/exec.ts';

/** A former agent may still be stopping when the new one starts. */
const WAIT_SECONDS = 3;
const CONFLICT_EXIT_CODE = 75;
/** The file descriptor in the child: after standard input, output and error. */
const CHILD_FD = 3;

/** A folder or name that two agents on one machine must not share: each would remove the files or devices of the other. */
export interface OwnedThing {
  /** As the configuration names it, for example `network.name "slipway"`. */
  readonly what: string;
  readonly lockFile: string;
}

/** Pure: what an agent owns. With the `process` driver this is only the state folder. */
export function ownedThings(
  config: Pick<AgentConfig, 'sandbox' | 'stateDir' | 'network'>,
  runDir = '/run',
): OwnedThing[] {
  const { sandbox, stateDir, network } = config;
  const state = { what: `stateDir ${JSON.stringify(stateDir)}`, lockFile: join(stateDir, 'agent.lock') };
  if (sandbox === 'process') return [state];
  const names = (['name', 'bridge'] as const).map((field) => ({
    what: `network.${field} ${JSON.stringify(network[field])}`,
    lockFile: join(runDir, `slipway-agent-${field}-${network[field]}.lock`),
  }));
  return [state, ...names];
}

/**
 * Takes the locks for the life of this process. The kernel releases them when the process ends for any reason.
 * @returns a function that releases them earlier and removes their files
 * @throws SLIP_AGENT_NAME_TAKEN when another agent has one
 */
export async function lockMachine(things: readonly OwnedThing[], waitSeconds = WAIT_SECONDS): Promise<() => void> {
  const taken: Taken[] = [];
  const release = (): void => taken.splice(0).forEach(unlock);
  try {
    for (const thing of things) taken.push({ fd: await lock(thing, waitSeconds), lockFile: thing.lockFile });
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

interface Taken {
  readonly fd: number;
  readonly lockFile: string;
}

/** Removes the file while the lock is held, so no other process can have locked it. */
function unlock({ fd, lockFile }: Taken): void {
  rmSync(lockFile, { force: true });
  closeSync(fd);
}

/** False when the former holder has removed the file in the meantime: a lock on a removed file excludes nobody. */
function isAt(fd: number, path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

/** The lock belongs to the open file. This process shares it with the child, so the lock stays after the child has ended. */
async function lock(thing: OwnedThing, waitSeconds: number): Promise<number> {
  for (;;) {
    const fd = await lockOpenFile(thing, waitSeconds);
    if (isAt(fd, thing.lockFile)) return fd;
    closeSync(fd);
  }
}

async function lockOpenFile({ what, lockFile }: OwnedThing, waitSeconds: number): Promise<number> {
  const fd = openSync(lockFile, 'a+', 0o600);
  try {
    const args = [
      '--exclusive',
      '--wait',
      String(waitSeconds),
      '--conflict-exit-code',
      String(CONFLICT_EXIT_CODE),
      String(CHILD_FD),
    ];
    const child = start({ file: 'flock', args }, ['ignore', 'ignore', 'ignore', fd]);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === CONFLICT_EXIT_CODE) throw nameTaken(what, readFileSync(lockFile, 'utf8').trim());
    if (code !== 0) throw new Error(`flock ended with ${String(code)} for ${lockFile}`);
    ftruncateSync(fd);
    writeSync(fd, `${String(process.pid)}\n`);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function nameTaken(what: string, holder: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_AGENT_NAME_TAKEN',
    kind: 'conflict',
    message: `Another agent on this machine (process ${/^\d+$/.test(holder) ? holder : 'unknown'}) has the same ${what}.`,
    hint: 'Stop that agent, or give this one its own stateDir and its own name, bridge and subnet under "network" in its configuration.',
  });
}
