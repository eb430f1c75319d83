import type { Clock } from './clock.ts';

/** Calls `action` once after `ms` of the given clock. Returns a function that cancels it. */
export function callAfter(clock: Clock, ms: number, action: () => void): () => void {
  const off = new AbortController();
  clock.sleep(ms, off.signal).then(action, () => undefined);
  return () => {
    off.abort();
  };
}
