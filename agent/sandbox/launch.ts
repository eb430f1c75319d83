import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/kit/clock.ts';
import type { InstanceLayout } from './config.ts';
import { isAlive, readHandle } from './handle.ts';
import type { OutputPipes } from './output-pipe.ts';
import { sandboxNotStarted, sandboxToolMissing } from './sandbox-errors.ts';
import type { Supervised, Supervisor } from './supervisor/port.ts';
import type { SandboxTool } from './tool.ts';

const START_TIMEOUT_MS = 20_000;
/** Time for a tool to notice that its program is dead. */
const TOOL_END_MS = 1000;
/** Time for the supervisor of a killed sandbox to flush the log and write the exit file. */
const SUPERVISOR_END_MS = 15_000;

export interface Launch {
  readonly supervisor: Supervisor;
  readonly outputs: OutputPipes;
  readonly clock: Clock;
  /** The program that isolates the process. */
  readonly tool?: Pick<SandboxTool, 'kind' | 'program'> | undefined;
}

export interface LaunchRequest {
  readonly layout: InstanceLayout;
  readonly supervised: Omit<Supervised, 'tied'>;
  readonly onOutput: ((chunk: Uint8Array) => void) | undefined;
}

/** Starts the supervisor and waits for its pid file. @throws SLIP_SANDBOX_START, SLIP_SANDBOX_TOOL */
export async function launch(parts: Launch, request: LaunchRequest): Promise<void> {
  const { layout, supervised, onOutput } = request;
  // Without this check, a missing tool would look like an app whose command does not exist.
  if (parts.tool !== undefined && !existsSync(parts.tool.program)) throw sandboxToolMissing(parts.tool);
  const closeWriter =
    onOutput === undefined ? undefined : await parts.outputs.open(supervised.id, layout.output, onOutput);
  try {
    await parts.supervisor.start({ ...supervised, tied: onOutput !== undefined });
    const deadlineMs = parts.clock.monotonicMs() + START_TIMEOUT_MS;
    while ((await readHandle(layout.pidFile)) === undefined) {
      if (parts.clock.monotonicMs() > deadlineMs) throw sandboxNotStarted(layout.run);
      await parts.clock.sleep(1);
    }
  } finally {
    await closeWriter?.();
  }
}

export interface Ending {
  readonly clock: Clock;
  /** Kills the processes of the sandbox. There may be none while the tool sets the sandbox up. */
  readonly killProcesses: () => Promise<void>;
  /** Kills the tool too. If its child was killed during the setup, the tool may wait forever. */
  readonly killTool: () => Promise<void>;
}

/** Kills a sandbox and waits until its supervisor has ended too. After that, nothing of it can start again. */
export async function endSandbox(layout: InstanceLayout, ending: Ending): Promise<void> {
  await markKilled(layout);
  await ending.killProcesses();
  const handle = await readHandle(layout.pidFile);
  if (handle === undefined) return;
  const sinceMs = ending.clock.monotonicMs();
  while (await isAlive(handle)) {
    await ending.clock.sleep(3);
    const waitedMs = ending.clock.monotonicMs() - sinceMs;
    await (waitedMs > TOOL_END_MS ? ending.killTool() : ending.killProcesses());
    if (waitedMs > SUPERVISOR_END_MS) kill(handle.pid);
  }
}

/** The supervisor reads this file, because not every tool reports whether its program was killed or failed. */
export async function markKilled(layout: InstanceLayout): Promise<void> {
  await writeFile(join(layout.run, 'killed'), '').catch(() => undefined); // never started
}

/** Tells the supervisor to wait for the other processes after the end of the first one. */
export async function markStopping(layout: InstanceLayout): Promise<void> {
  await writeFile(join(layout.run, 'stopping'), '').catch(() => undefined); // never started
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone in between
  }
}

const DELIVERY_TIMEOUT_MS = 10_000;
const DELIVERY_PAUSE_MS = 10;

/** Repeats a signal until a process has received it: during the setup, a sandbox has no program yet. The signal is received at most once. */
export async function untilDelivered(
  clock: Clock,
  deliver: () => Promise<boolean>,
  isOver: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + DELIVERY_TIMEOUT_MS;
  while (!(await deliver()) && !(await isOver()) && clock.monotonicMs() < deadlineMs)
    await clock.sleep(DELIVERY_PAUSE_MS);
}
