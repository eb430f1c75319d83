import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `condition` holds (or yields a value), looking every 10 ms. Fails with `what` after the limit. */
export async function eventually<T>(what: string, condition: () => T | Promise<T>, limitMs = 10_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${String(limitMs)} ms: ${what}`);
    await delay(10);
  }
}
