import type { Exit } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Sandbox, SandboxStatus } from '../sandbox/port.ts';

/** A missed notification costs at most this. */
const POLL_MS = 1000;
/** Time until a killed sandbox must have ended. */
const KILL_WAIT_MS = 5000;

/**
 * Starts a prepared sandbox and waits for its end. When `stop` is aborted the sandbox is killed at once.
 * @throws the reason of `stop`
 */
export async function runToEnd(
  sandbox: Sandbox,
  id: string,
  options: { stop: AbortSignal; clock: Clock },
): Promise<Exit> {
  const { stop, clock } = options;
  stop.throwIfAborted();
  // Subscribe before the start, so that a quick end is not missed.
  const ended = Promise.withResolvers<undefined>();
  const unsubscribe = sandbox.onExit((exited) => {
    if (exited === id) ended.resolve(undefined);
  });
  const stopped = new Promise<undefined>((resolve) => {
    stop.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  try {
    const started = await sandbox.start(id);
    const exit = started.exit ?? (await untilExit(sandbox, id, { clock, ended: ended.promise, stopped, stop }));
    if (exit !== undefined) return exit;
    await sandbox.signal(id, 'SIGKILL');
    const timeout = AbortSignal.timeout(KILL_WAIT_MS);
    await untilExit(sandbox, id, { clock, ended: ended.promise, stopped: clock.sleep(KILL_WAIT_MS), stop: timeout });
    throw stop.reason;
  } finally {
    unsubscribe();
  }
}

interface Wait {
  readonly clock: Clock;
  /** Resolves when the driver reports the end. */
  readonly ended: Promise<unknown>;
  /** Resolves when waiting must stop. */
  readonly stopped: Promise<unknown>;
  readonly stop: AbortSignal;
}

/** `undefined` if waiting stopped before the end. */
async function untilExit(sandbox: Sandbox, id: string, wait: Wait): Promise<Exit | undefined> {
  let wake: Promise<unknown> = wait.ended;
  for (;;) {
    await wakeUp(wait, wake);
    const exit = exitOf(await sandbox.inspect(id));
    if (exit !== undefined || wait.stop.aborted) return exit;
    // The notification can come before the state changes. From now on, only the poll wakes the loop.
    wake = wait.stopped;
  }
}

async function wakeUp(wait: Wait, wake: Promise<unknown>): Promise<void> {
  const nap = new AbortController();
  await Promise.race([wake, wait.stopped, wait.clock.sleep(POLL_MS, nap.signal).catch(() => undefined)]);
  nap.abort();
}

function exitOf(status: SandboxStatus | undefined): Exit | undefined {
  if (status === undefined) return { oomKilled: false, atMs: 0 };
  return status.phase === 'exited' ? (status.exit ?? { oomKilled: false, atMs: 0 }) : undefined;
}
