import { rm, stat, open, chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Hash } from 'node:crypto';
import type { Digest } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { commitFile } from '../../shared/kit/atomic-file.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { diskFull, requireDiskSpace, type DiskReserve, type ReadDiskSpace } from '../../shared/kit/disk.ts';
import { SlipwayError, isErrno } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { digestOf, hashFile, newHash } from './file-digest.ts';
import type { ImageTransport } from './port.ts';

export interface DownloadDeps {
  readonly transport: ImageTransport;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly readDiskSpace: ReadDiskSpace;
  readonly diskReserve: DiskReserve;
  readonly log: Logger;
}

export interface DownloadTarget {
  readonly layer: Pick<Layer, 'digest' | 'sizeBytes'>;
  /** The incomplete file. A later try continues it. */
  readonly partialPath: string;
  readonly finalPath: string;
}

const TRIES = 3;
const BACKOFF: BackoffPolicy = { firstMs: 250, maxMs: 4000, factor: 4 };

/**
 * Downloads, verifies and stores one image, in at most three tries.
 * @throws SLIP_IMAGE_NOT_FOUND, SLIP_DISK_FULL (at once), SLIP_IMAGE_DIGEST, SLIP_IMAGE_CUT_SHORT, the transport's errors
 */
export async function downloadImage(deps: DownloadDeps, target: DownloadTarget, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await attemptDownload(deps, target, signal);
      return;
    } catch (error) {
      if (signal.aborted || attempt + 1 >= TRIES || !isRetryable(error)) throw error;
      deps.log.warn({ digest: target.layer.digest, attempt, err: error }, 'images.download_retried');
      await deps.clock.sleep(backoffDelayMs(BACKOFF, attempt, deps.random()), signal);
    }
  }
}

/** Unknown errors are treated as network errors. */
function isRetryable(error: unknown): boolean {
  return !(error instanceof SlipwayError) || (error.kind === 'transient' && error.code !== 'SLIP_DISK_FULL');
}

async function attemptDownload(deps: DownloadDeps, target: DownloadTarget, signal: AbortSignal): Promise<void> {
  const { layer, partialPath, finalPath } = target;
  const hash = newHash();
  const offset = await resumeOffset(partialPath, layer.sizeBytes, hash);
  await requireDiskSpace(dirname(partialPath), deps.diskReserve, {
    neededBytes: layer.sizeBytes - offset,
    read: deps.readDiskSpace,
  });
  try {
    const received = offset < layer.sizeBytes ? await receive({ deps, target, offset, hash }, signal) : 0;
    if (offset + received < layer.sizeBytes) throw cutShort(layer, offset + received);
    if (digestOf(hash) !== layer.digest) throw digestMismatch(layer.digest);
    await chmod(partialPath, 0o644);
    await commitFile(partialPath, finalPath);
  } catch (error) {
    throw await cleanedUp(error, deps, partialPath);
  }
}

/** Hashes the bytes of an earlier try. @returns their number */
async function resumeOffset(partialPath: string, sizeBytes: number, hash: Hash): Promise<number> {
  const present = await stat(partialPath).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (present === undefined) return 0;
  if (present.size <= sizeBytes) return await hashFile(partialPath, hash);
  await rm(partialPath, { force: true });
  return 0;
}

interface Reception {
  readonly deps: DownloadDeps;
  readonly target: DownloadTarget;
  readonly offset: number;
  readonly hash: Hash;
}

/** @returns bytes received */
async function receive({ deps, target, offset, hash }: Reception, signal: AbortSignal): Promise<number> {
  const limit = target.layer.sizeBytes - offset;
  let received = 0;
  const body = await deps.transport.download(target.layer.digest, offset, signal);
  const file = await open(target.partialPath, 'a', 0o600);
  try {
    await pipeline(
      body,
      async (chunks: AsyncIterable<string | Uint8Array>) => {
        for await (const piece of chunks) {
          const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
          received += chunk.length;
          if (received > limit) throw digestMismatch(target.layer.digest);
          hash.update(chunk);
          await file.writeFile(chunk);
        }
      },
      { signal },
    );
  } finally {
    await file.close();
  }
  return received;
}

/** Deletes bytes that cannot become the image. @returns the error to throw */
async function cleanedUp(error: unknown, deps: DownloadDeps, partialPath: string): Promise<unknown> {
  const wrong = error instanceof SlipwayError && error.code === 'SLIP_IMAGE_DIGEST';
  const full = isErrno(error, 'ENOSPC');
  if (wrong || full) await rm(partialPath, { force: true });
  if (!full) return error;
  const dir = dirname(partialPath);
  return diskFull(dir, await deps.readDiskSpace(dir), error);
}

function digestMismatch(digest: Digest): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_DIGEST',
    kind: 'transient',
    message: `A downloaded layer is damaged: its digest is not ${digest.slice(0, 19)}….`,
    hint: 'This node downloads it again. If that fails too, push the app again, and check the disk of the controller.',
    details: { digest },
  });
}

function cutShort(layer: DownloadTarget['layer'], bytes: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_CUT_SHORT',
    kind: 'transient',
    message: `The download of a layer stopped after ${bytes} of ${layer.sizeBytes} bytes.`,
    hint: 'This node downloads the rest. If that fails too, check the network between this node and the controller.',
    details: { digest: layer.digest },
  });
}
