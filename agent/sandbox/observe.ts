import type { Exit } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { InstanceLayout } from './config.ts';
import { isAlive, readExit, readHandle } from './handle.ts';
import type { SandboxStatus } from './port.ts';
import { loadRecord } from './record.ts';

export interface Observer {
  readonly bootId: string;
  readonly clock: Clock;
  /** Processes of the sandbox, without its supervisor. */
  readonly pids: (id: string) => Promise<readonly number[]>;
  /** True while the output of a build is being read. */
  readonly outputOpen: (id: string) => boolean;
}

/** The state of a sandbox, from its files and the kernel. `undefined`: there is none, or it is incomplete. */
export async function observe(layout: InstanceLayout, observer: Observer): Promise<SandboxStatus | undefined> {
  const record = await loadRecord(layout.record);
  if (record === undefined) return undefined;
  const { id, purpose, app, uidBase, address, port } = record;
  const handle = await readHandle(layout.pidFile);
  const base = { id, purpose, app, uidBase, address, port, startedAtMs: handle?.startedAtMs };
  if (record.bootId !== observer.bootId) {
    const exit = (await readExit(layout.exitFile)) ?? { oomKilled: false, atMs: record.preparedAtMs };
    return { ...base, phase: 'exited', exit };
  }
  if (handle === undefined) return { ...base, phase: 'prepared' };
  const exit = await exitOf(layout, handle, observer);
  return exit === undefined || observer.outputOpen(id)
    ? { ...base, phase: 'running' }
    : { ...base, phase: 'exited', exit };
}

/**
 * A sandbox has ended when no process is left. Neither an exit file nor a dead supervisor proves this. If the supervisor was killed, the exit
 * code is lost.
 */
async function exitOf(
  layout: InstanceLayout,
  handle: { pid: number; startTicks: string },
  observer: Observer,
): Promise<Exit | undefined> {
  const reported = await readExit(layout.exitFile);
  if (reported === undefined && (await isAlive(handle))) return undefined;
  const id = layout.dir.slice(layout.dir.lastIndexOf('/') + 1);
  if ((await observer.pids(id)).length > 0) return undefined;
  return reported ?? (await readExit(layout.exitFile)) ?? { oomKilled: false, atMs: observer.clock.nowMs() };
}
