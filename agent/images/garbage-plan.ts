import type { Digest } from '../../shared/domain/ids.ts';

/** A file of the image store that may be deleted. */
export interface StoredImage {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly lastUsedMs: number;
  /** True: a per-app copy. It is deleted before images, because images would have to be downloaded again. */
  readonly derived: boolean;
}

export interface GarbageRules {
  readonly budgetBytes: number;
  readonly nowMs: number;
  /** Images used within this time are kept, because they may be mounted soon. */
  readonly graceMs: number;
  /** True for images that must never be deleted. */
  readonly kept: (digest: Digest) => boolean;
}

/** The files to delete so that the rest fits the budget: per-app copies first, then the least recently used. Pure. */
export function planGarbage(stored: readonly StoredImage[], rules: GarbageRules): readonly StoredImage[] {
  let excessBytes = stored.reduce((sum, image) => sum + image.sizeBytes, 0) - rules.budgetBytes;
  const deleted: StoredImage[] = [];
  for (const image of stored.filter((each) => isDeletable(each, rules)).toSorted(byDeletionOrder)) {
    if (excessBytes <= 0) break;
    deleted.push(image);
    excessBytes -= image.sizeBytes;
  }
  return deleted;
}

function isDeletable(image: StoredImage, rules: GarbageRules): boolean {
  return !rules.kept(image.digest) && rules.nowMs - image.lastUsedMs >= rules.graceMs;
}

function byDeletionOrder(a: StoredImage, b: StoredImage): number {
  if (a.derived !== b.derived) return a.derived ? -1 : 1;
  return a.lastUsedMs - b.lastUsedMs || (a.path < b.path ? -1 : 1);
}
