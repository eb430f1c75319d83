import type { Exit } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { InstanceLayout } from './config.ts';
import { isAlive, readExit, readHandle } from './handle.ts';
import type { SandboxStatus } from './port.ts';
import { loadRecord } from './record.ts';

export interface Observer {
  readonly bootId: string;
  readonly clock: Clock;
  /** Processes of the sandbox, its supervisor apart. */
  readonly pids: (id: string) => Promise<readonly number[]>;
  /** True while a build's output is still being read. */
  readonly outputOpen: (id: string) => boolean;
}

/** What is true of a sandbox, from the disk and the kernel alone. `undefined` for none and for a half-made one. */
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
 * An exit file alone does not prove death, nor does a dead supervisor: the sandbox has ended when no process is left. A supervisor
 * that was killed takes the exit code with it.
 */
async function exitOf(
  layout: InstanceLayout,
  handle: { pid: number; startTicks: string },
  observer: Observer,
): Promise<Exit | undefined> {
  const told = await readExit(layout.exitFile);
  if (told === undefined && (await isAlive(handle))) return undefined;
  const id = layout.dir.slice(layout.dir.lastIndexOf('/') + 1);
  if ((await observer.pids(id)).length > 0) return undefined;
  return told ?? (await readExit(layout.exitFile)) ?? { oomKilled: false, atMs: observer.clock.nowMs() };
}
