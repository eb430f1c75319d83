import { createHash } from 'node:crypto';

// The slow response. The app sends it and the bench checks it, so both have this file.

const CHUNKS = 80;
export const CHUNK_PAUSE_MS = 250;

/** All parts of the response. Its text depends on the seed alone. */
export function slowChunks(seed: string): readonly string[] {
  const chunkOf = (index: number): string =>
    createHash('sha256')
      .update(`${seed} ${String(index)}`)
      .digest('hex')
      .repeat(64);
  return Array.from({ length: CHUNKS }, (_, index) => chunkOf(index));
}
