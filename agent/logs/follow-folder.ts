import { watch } from 'node:fs';
import { isErrno } from '../../shared/kit/errors.ts';
import { FolderReader, type Followed } from './folder-reader.ts';
import { inodeOf, type Place } from './log-folder.ts';

/**
 * New lines of a folder after a place, across rotations, until the signal aborts or the folder is removed. Without a place it starts with the
 * oldest file. It waits for file system events, and reads only as fast as its consumer.
 */
export async function* followFolder(
  dir: string,
  from: Place | undefined,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  const reader = new FolderReader(dir, from);
  const events = watchFolder(dir, signal);
  try {
    while (events !== undefined && !signal.aborted) {
      const step = await reader.step();
      yield* step.followed;
      if (!step.moved && !(await events.next())) return;
    }
  } finally {
    events?.close();
    await reader.close();
  }
}

interface FolderEvents {
  /** Resolves with true after a change since the last call, and with false at the end. */
  next(): Promise<boolean>;
  close(): void;
}

/** `undefined` when the folder does not exist. */
function watchFolder(dir: string, signal: AbortSignal): FolderEvents | undefined {
  let changed = false;
  let ended = signal.aborted;
  let wake: (() => void) | undefined;
  const onChange = (): void => {
    changed = true;
    wake?.();
  };
  const onEnd = (): void => {
    ended = true;
    wake?.();
  };
  try {
    const watcher = watch(dir);
    watcher.on('change', onChange);
    watcher.on('error', onEnd);
    signal.addEventListener('abort', onEnd);
    return {
      next: async () => {
        while (!changed && !ended) await new Promise<void>((resolve) => (wake = resolve));
        changed = false;
        return !ended && (await inodeOf(dir, '.')) !== undefined;
      },
      close: () => {
        signal.removeEventListener('abort', onEnd);
        watcher.close();
      },
    };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
