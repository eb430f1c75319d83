import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ImageStore } from '../../controller/build/port.ts';
import type { Digest } from '../../shared/domain/ids.ts';

/** Images in memory. */
export class FakeImages implements ImageStore {
  readonly kept = new Map<Digest, Buffer>();

  has(digest: Digest): Promise<boolean> {
    return Promise.resolve(this.kept.has(digest));
  }

  sizeBytes(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.kept.get(digest)?.length);
  }

  async put(digest: Digest, body: NodeJS.ReadableStream): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk as Buffer));
    this.kept.set(digest, Buffer.concat(chunks));
  }

  open(digest: Digest, offsetBytes: number): Promise<NodeJS.ReadableStream> {
    return Promise.resolve(Readable.from([this.kept.get(digest)!.subarray(offsetBytes)], { objectMode: false }));
  }

  list(): Promise<readonly Digest[]> {
    return Promise.resolve([...this.kept.keys()]);
  }

  removeNow(digests: readonly Digest[]): void {
    for (const digest of digests) this.kept.delete(digest);
  }

  sweep(): Promise<void> {
    return Promise.resolve();
  }
}

export function digestOfBytes(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}
