import type { Exit } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Sandbox } from '../sandbox/port.ts';

/** The driver reports exits. A look at this interval also finds an exit whose report was lost. */
const LOOK_EVERY_MS = 5_000;

/**
 * Waits until the sandbox has ended, until the time, or until the signal aborts.
 * @returns the exit, `gone` when there is no such sandbox, `running` otherwise
 */
export async function untilExit(
  parts: { readonly sandbox: Sandbox; readonly clock: Clock },
  id: string,
  until: { readonly atMs: number; readonly signal: AbortSignal },
): Promise<Exit | 'gone' | 'running'> {
  const { sandbox, clock } = parts;
  let wake = new AbortController();
  const unsubscribe = sandbox.onExit((ended) => {
    if (ended === id) wake.abort();
  });
  const onAbort = (): void => wake.abort();
  until.signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      wake = new AbortController();
      const found = await sandbox.inspect(id);
      if (found === undefined) return 'gone';
      if (found.phase === 'exited' && found.exit !== undefined) return found.exit;
      const leftMs = until.atMs - clock.nowMs();
      if (leftMs <= 0 || until.signal.aborted) return 'running';
      await clock.sleep(Math.min(leftMs, LOOK_EVERY_MS), wake.signal).catch(() => undefined);
    }
  } finally {
    unsubscribe();
    until.signal.removeEventListener('abort', onAbort);
  }
}
