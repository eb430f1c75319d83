/** `14:32:05 UTC`: the same for everybody who reads it. */
export function clockTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(11, 19)} UTC`;
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${String(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${String(minutes)} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${String(hours)} h` : `${String(Math.round(hours / 24))} days`;
}

export function times(count: number, verb: string): string {
  return count === 1 ? `${verb} once` : `${verb} ${String(count)} times`;
}

const MIB = 1024 * 1024;

/** What `--memory` takes: twice as much, in words that are easy to read. */
export function doubledMemory(bytes: number): string {
  return memoryFlag(bytes * 2);
}

export function memoryFlag(bytes: number): string {
  const mebibytes = Math.round(bytes / MIB);
  return mebibytes >= 1024 && mebibytes % 1024 === 0 ? `${String(mebibytes / 1024)}G` : `${String(mebibytes)}M`;
}
