import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestHex, isDigest, type Digest } from '../../shared/domain/ids.ts';
import { commitFile, ensureDir } from '../../shared/kit/atomic-file.ts';
import {
  DEFAULT_DISK_RESERVE,
  diskFull,
  diskSpace,
  requireDiskSpace,
  type DiskReserve,
  type ReadDiskSpace,
} from '../../shared/kit/disk.ts';
import { SlipwayError, isErrno } from '../../shared/kit/errors.ts';
import type { ImageStore } from './port.ts';

export interface ImageStoreConfig {
  /** The folder of the images. It is created if it does not exist. */
  readonly dir: string;
  /** The largest layer that is accepted. Default: 2 GiB. Slugs have a smaller limit of their own. */
  readonly maxImageBytes?: number | undefined;
  readonly diskReserve?: DiskReserve | undefined;
}

export interface ImageStoreDeps {
  readonly readDiskSpace?: ReadDiskSpace | undefined;
}

export function createImageStore(config: ImageStoreConfig, deps: ImageStoreDeps = {}): ImageStore {
  return new DiskImageStore(config, deps);
}

const DEFAULT_MAX_IMAGE_BYTES = 2 * 1024 ** 3;
/** The free space is checked again after this many bytes, because other programs may fill the disk. */
const RECHECK_BYTES = 64 * 1024 * 1024;

class DiskImageStore implements ImageStore {
  readonly #dir: string;
  readonly #incomingDir: string;
  readonly #maxImageBytes: number;
  readonly #reserve: DiskReserve;
  readonly #read: ReadDiskSpace;

  constructor(config: ImageStoreConfig, deps: ImageStoreDeps) {
    this.#dir = config.dir;
    this.#incomingDir = join(config.dir, 'incoming');
    this.#maxImageBytes = config.maxImageBytes ?? DEFAULT_MAX_IMAGE_BYTES;
    this.#reserve = config.diskReserve ?? DEFAULT_DISK_RESERVE;
    this.#read = deps.readDiskSpace ?? diskSpace;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.sizeBytes(digest)) !== undefined;
  }

  async sizeBytes(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.#path(digest))).size;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  async put(digest: Digest, body: NodeJS.ReadableStream, signal: AbortSignal): Promise<void> {
    if (await this.has(digest)) {
      body.resume(); // reads the body, so that the sender does not wait
      return;
    }
    await ensureDir(this.#incomingDir);
    const temp = join(this.#incomingDir, `${digestHex(digest)}.${randomBytes(6).toString('hex')}`);
    try {
      await this.#checkRoom();
      const arrived = await this.#write(temp, body, signal);
      if (arrived !== digest) throw digestMismatch(digest, arrived);
      await commitFile(temp, this.#path(digest));
    } catch (error) {
      await rm(temp, { force: true });
      throw isErrno(error, 'ENOSPC') ? diskFull(this.#dir, await this.#read(this.#dir), error) : error;
    }
  }

  async open(digest: Digest, offsetBytes: number): Promise<NodeJS.ReadableStream> {
    const sizeBytes = await this.sizeBytes(digest);
    if (sizeBytes === undefined) throw notFound(digest);
    if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0 || offsetBytes > sizeBytes)
      throw badOffset(offsetBytes, sizeBytes);
    const file = await open(this.#path(digest), 'r'); // an open file can be read to its end even if it is deleted
    return createReadStream(this.#path(digest), { fd: file, start: offsetBytes, highWaterMark: 256 * 1024 });
  }

  async list(): Promise<readonly Digest[]> {
    const names = await readdir(this.#dir);
    return names.map((name) => `sha256:${name.replace(/\.sqfs$/, '')}`).filter((text) => isDigest(text));
  }

  removeNow(digests: readonly Digest[]): void {
    for (const digest of digests) rmSync(this.#path(digest), { force: true });
  }

  async sweep(): Promise<void> {
    await ensureDir(this.#incomingDir);
    for (const name of await readdir(this.#incomingDir)) await rm(join(this.#incomingDir, name), { force: true });
  }

  async #write(temp: string, body: NodeJS.ReadableStream, signal: AbortSignal): Promise<Digest> {
    const hash = createHash('sha256');
    const file = await open(temp, 'wx', 0o644);
    let sizeBytes = 0;
    let nextCheck = RECHECK_BYTES;
    try {
      await pipeline(
        body,
        async (chunks: AsyncIterable<string | Uint8Array>) => {
          for await (const piece of chunks) {
            const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
            sizeBytes += chunk.length;
            if (sizeBytes > this.#maxImageBytes) throw tooLarge(this.#maxImageBytes);
            if (sizeBytes > nextCheck) {
              await this.#checkRoom();
              nextCheck += RECHECK_BYTES;
            }
            hash.update(chunk);
            await file.writeFile(chunk);
          }
        },
        { signal },
      );
    } finally {
      await file.close();
    }
    return `sha256:${hash.digest('hex')}` as Digest;
  }

  async #checkRoom(): Promise<void> {
    await requireDiskSpace(this.#dir, this.#reserve, { read: this.#read });
  }

  #path(digest: Digest): string {
    return join(this.#dir, `${digestHex(digest)}.sqfs`);
  }
}

function digestMismatch(digest: Digest, arrived: Digest): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_DIGEST',
    kind: 'transient',
    httpStatus: 422,
    message: 'A layer of this build arrived damaged at the controller, so the build failed and nothing was released.',
    // TLS detects damage on the way, so a retry would send the same bytes.
    hint: 'Push again. If this happens again, check the disk and the memory of the builder.',
    details: { digest, arrived },
  });
}

function notFound(digest: Digest): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_NOT_FOUND',
    httpStatus: 404,
    message: `The controller has no layer ${digest.slice(0, 19)}….`,
    hint: 'Push the app again, so that its layers are built again.',
    details: { digest },
  });
}

function badOffset(offsetBytes: number, sizeBytes: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_RANGE',
    httpStatus: 416,
    message: `A layer of ${sizeBytes} bytes has no byte ${offsetBytes}.`,
    hint: 'Fetch the layer from its beginning.',
  });
}

function tooLarge(limitBytes: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_TOO_LARGE',
    httpStatus: 413,
    message: `A layer is larger than ${Math.floor(limitBytes / (1024 * 1024))} MB, which is the limit of the controller.`,
    hint: 'List the files that the app does not need at run time in .slugignore.',
    details: { limitBytes },
  });
}
