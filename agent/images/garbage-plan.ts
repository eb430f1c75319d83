import type { Digest } from '../../shared/domain/ids.ts';

/** A file or folder of the image store that could be deleted. */
export interface StoredImage {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly lastUsedMs: number;
  /** Made from another one here (a per-app copy): it goes before anything that would have to be fetched. */
  readonly derived: boolean;
}

export interface GarbageRules {
  readonly budgetBytes: number;
  readonly nowMs: number;
  /** Used within this time: kept, since somebody may be about to mount it. */
  readonly graceMs: number;
  /** Never deleted, whatever the budget. */
  readonly kept: (digest: Digest) => boolean;
}

/** What to delete so that the rest fits the budget: derived first, then the least recently used. Pure. */
export function planGarbage(stored: readonly StoredImage[], rules: GarbageRules): readonly StoredImage[] {
  let excessBytes = stored.reduce((sum, image) => sum + image.sizeBytes, 0) - rules.budgetBytes;
  const doomed: StoredImage[] = [];
  for (const image of stored.filter((each) => isFree(each, rules)).toSorted(byWorth)) {
    if (excessBytes <= 0) break;
    doomed.push(image);
    excessBytes -= image.sizeBytes;
  }
  return doomed;
}

function isFree(image: StoredImage, rules: GarbageRules): boolean {
  return !rules.kept(image.digest) && rules.nowMs - image.lastUsedMs >= rules.graceMs;
}

function byWorth(a: StoredImage, b: StoredImage): number {
  if (a.derived !== b.derived) return a.derived ? -1 : 1;
  return a.lastUsedMs - b.lastUsedMs || (a.path < b.path ? -1 : 1);
}
