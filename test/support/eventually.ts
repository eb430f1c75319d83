import { setTimeout as delay } from 'node:timers/promises';

/** No bound that a test asserts: only what does not happen at all is to fail, also on a machine that is ten times slower. */
const LIMIT_MS = 150_000;

/** Waits until `condition` holds (or yields a value), looking every 10 ms. Fails with `what` after the limit. */
export async function eventually<T>(what: string, condition: () => T | Promise<T>, limitMs = LIMIT_MS): Promise<NonNullable<T>> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${String(limitMs)} ms: ${what}`);
    await delay(10);
  }
}

/** For a negative alone: gives what must not happen the time in which it would. A slow machine can only hide the fault, not report one. */
export async function letPass(ms: number): Promise<void> {
  await delay(ms);
}
