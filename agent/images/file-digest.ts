import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Digest } from '../../shared/domain/ids.ts';

const CHUNK_BYTES = 1024 * 1024;

export function newHash(): Hash {
  return createHash('sha256');
}

export function digestOf(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}` as Digest;
}

/** Adds a whole file to a hash. @returns bytes read */
export async function hashFile(path: string, hash: Hash): Promise<number> {
  const file = await open(path, 'r');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let sizeBytes = 0;
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, sizeBytes);
      if (bytesRead === 0) return sizeBytes;
      hash.update(buffer.subarray(0, bytesRead));
      sizeBytes += bytesRead;
    }
  } finally {
    await file.close();
  }
}

export async function digestFile(path: string): Promise<{ digest: Digest; sizeBytes: number }> {
  const hash = newHash();
  const sizeBytes = await hashFile(path, hash);
  return { digest: digestOf(hash), sizeBytes };
}
