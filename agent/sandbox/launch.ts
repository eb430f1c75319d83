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
/** How long a tool gets to notice that what it ran is dead. */
const TOOL_END_MS = 1000;
/** How long a killed sandbox's supervisor gets to flush the log and write how it ended. */
const SUPERVISOR_END_MS = 15_000;

export interface Launch {
  readonly supervisor: Supervisor;
  readonly outputs: OutputPipes;
  readonly clock: Clock;
  /** What builds the walls. */
  readonly tool?: Pick<SandboxTool, 'kind' | 'program'> | undefined;
}

export interface LaunchRequest {
  readonly layout: InstanceLayout;
  readonly supervised: Omit<Supervised, 'tied'>;
  readonly onOutput: ((chunk: Uint8Array) => void) | undefined;
}

/** Starts the supervisor and waits until it says that it is there. @throws SLIP_SANDBOX_START, SLIP_SANDBOX_TOOL */
export async function launch(parts: Launch, request: LaunchRequest): Promise<void> {
  const { layout, supervised, onOutput } = request;
  // Its absence would look like an app whose command does not exist.
  if (parts.tool !== undefined && !existsSync(parts.tool.program)) throw sandboxToolMissing(parts.tool);
  const letGo = onOutput === undefined ? undefined : await parts.outputs.open(supervised.id, layout.output, onOutput);
  try {
    await parts.supervisor.start({ ...supervised, tied: onOutput !== undefined });
    const deadlineMs = parts.clock.monotonicMs() + START_TIMEOUT_MS;
    while ((await readHandle(layout.pidFile)) === undefined) {
      if (parts.clock.monotonicMs() > deadlineMs) throw sandboxNotStarted(layout.run);
      await parts.clock.sleep(1);
    }
  } finally {
    await letGo?.();
  }
}

export interface Ending {
  readonly clock: Clock;
  /** Kills the sandbox's processes; there may be none yet while the tool is setting up. */
  readonly killProcesses: () => Promise<void>;
  /** Kills the tool as well: one whose child was killed while it set up may wait for ever. */
  readonly killTool: () => Promise<void>;
}

/** Kills a sandbox and waits until its supervisor has ended as well; only then can nothing of it start any more. */
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

/** Not every tool tells a killed program from a failed one; the supervisor looks here. */
export async function markKilled(layout: InstanceLayout): Promise<void> {
  await writeFile(join(layout.run, 'killed'), '').catch(() => undefined); // never started: nobody to tell
}

/** Tells the supervisor to wait for the other processes after the end of the first one. */
export async function markStopping(layout: InstanceLayout): Promise<void> {
  await writeFile(join(layout.run, 'stopping'), '').catch(() => undefined); // never started: nothing to wait for
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone in between
  }
}

const HEARING_TIMEOUT_MS = 10_000;
const HEARING_PAUSE_MS = 10;

/** Says it until somebody has heard it: a sandbox that is still being set up has no program yet that could end. Once heard, never again. */
export async function untilHeard(
  clock: Clock,
  say: () => Promise<boolean>,
  isOver: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + HEARING_TIMEOUT_MS;
  while (!(await say()) && !(await isOver()) && clock.monotonicMs() < deadlineMs) await clock.sleep(HEARING_PAUSE_MS);
}
