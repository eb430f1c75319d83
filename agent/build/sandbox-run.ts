import type { Exit } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Sandbox, SandboxStatus } from '../sandbox/port.ts';

/** A missed notification costs at most this. */
const POLL_MS = 1000;
/** How long a killed sandbox may take to be seen gone. */
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
  // Subscribed before the start, or a quick end would be missed until the first poll.
  const ended = Promise.withResolvers<undefined>();
  const unsubscribe = sandbox.onExit((exited) => {
    if (exited === id) ended.resolve(undefined);
  });
  const stopped = new Promise<undefined>((resolve) => {
    stop.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  try {
    const started = await sandbox.start(id);
    const exit = started.exit ?? (await untilExit(sandbox, id, { clock, ended: ended.promise, given: stopped, stop }));
    if (exit !== undefined) return exit;
    await sandbox.signal(id, 'SIGKILL');
    const patience = AbortSignal.timeout(KILL_WAIT_MS);
    await untilExit(sandbox, id, { clock, ended: ended.promise, given: clock.sleep(KILL_WAIT_MS), stop: patience });
    throw stop.reason;
  } finally {
    unsubscribe();
  }
}

interface Wait {
  readonly clock: Clock;
  /** The driver says the sandbox has ended. */
  readonly ended: Promise<unknown>;
  /** Waiting is given up. */
  readonly given: Promise<unknown>;
  readonly stop: AbortSignal;
}

/** `undefined` when waiting was given up first. */
async function untilExit(sandbox: Sandbox, id: string, wait: Wait): Promise<Exit | undefined> {
  let wake: Promise<unknown> = wait.ended;
  for (;;) {
    await wakeUp(wait, wake);
    const exit = exitOf(await sandbox.inspect(id));
    if (exit !== undefined || wait.stop.aborted) return exit;
    // The notification came before the state: from now on the poll paces the loop.
    wake = wait.given;
  }
}

async function wakeUp(wait: Wait, wake: Promise<unknown>): Promise<void> {
  const nap = new AbortController();
  await Promise.race([wake, wait.given, wait.clock.sleep(POLL_MS, nap.signal).catch(() => undefined)]);
  nap.abort();
}

function exitOf(status: SandboxStatus | undefined): Exit | undefined {
  if (status === undefined) return { oomKilled: false, atMs: 0 };
  return status.phase === 'exited' ? (status.exit ?? { oomKilled: false, atMs: 0 }) : undefined;
}
