import { setTimeout as delay } from 'node:timers/promises';

/** Not a limit that a test asserts. It must be long enough for a machine that is many times slower. */
const LIMIT_MS = 240_000;
const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 1_000;
/** Each pause is this much longer than the check before it, so that a check that starts a program does not keep a processor busy. */
const PAUSE_PER_LOOK = 3;

/** Checks again and again until `condition` is true or returns a value. Fails with `what` after the limit. */
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

/** Only for a test that something does not happen: gives it time to happen. A slow machine can hide a fault, but cannot report a wrong one. */
export async function letPass(ms: number): Promise<void> {
  await delay(ms);
}
