/** `14:32:05 UTC`, the same in every time zone. */
export function clockTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(11, 19)} UTC`;
}

export function times(count: number, verb: string): string {
  return count === 1 ? `${verb} once` : `${verb} ${String(count)} times`;
}

const MIB = 1024 * 1024;

/** Twice as much memory, in the form that `--memory` takes. */
export function doubledMemory(bytes: number): string {
  return memoryFlag(bytes * 2);
}

export function memoryFlag(bytes: number): string {
  const mebibytes = Math.round(bytes / MIB);
  return mebibytes >= 1024 && mebibytes % 1024 === 0 ? `${String(mebibytes / 1024)}G` : `${String(mebibytes)}M`;
}
