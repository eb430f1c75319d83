import { setTimeout as delay } from 'node:timers/promises';

/** No bound that a test asserts: only what does not happen at all is to fail, also on a machine that is ten times slower. */
const LIMIT_MS = 150_000;
const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 1_000;
/** How much longer a pause is than the look before it: one that starts a program must not keep a processor busy. */
const PAUSE_PER_LOOK = 3;

/** Waits until `condition` holds (or yields a value), looking again and again. Fails with `what` after the limit. */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  limitMs = LIMIT_MS,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const startedAtMs = performance.now();
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${String(limitMs)} ms: ${what}`);
    const lookMs = performance.now() - startedAtMs;
    await delay(Math.min(Math.max(lookMs * PAUSE_PER_LOOK, PAUSE_MIN_MS), PAUSE_MAX_MS));
  }
}

/** For a negative alone: gives what must not happen the time in which it would. A slow machine can only hide the fault, not report one. */
export async function letPass(ms: number): Promise<void> {
  await delay(ms);
}
