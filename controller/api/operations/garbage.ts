import type { Digest } from '../../../shared/domain/ids.ts';
import type { UnusedImage } from '../../build/unused-images.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { SlugRemoval } from '../../store/release-port.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'store' | 'unusedImages' | 'failpoint' | 'log'>;

interface ReleasesOfApp {
  readonly app: string;
  readonly versions: readonly number[];
}

export interface Garbage {
  readonly sizeBytes: number;
  readonly images: readonly (UnusedImage & { readonly releases: readonly ReleasesOfApp[] })[];
  readonly releases: readonly ReleasesOfApp[];
}

/** Removes the slugs that no app keeps and the images that no release uses, or only lists them. */
export async function collectGarbage(
  deps: Deps,
  { user, dryRun }: { readonly user: User; readonly dryRun: boolean },
): Promise<Garbage> {
  const { store, unusedImages, failpoint } = deps;
  const { removals, inUse } = await store.planSlugRemovals();
  if (dryRun) return garbageOf(removals, await unusedImages.find(inUse));
  for (const { app } of removals) {
    const row = await store.appByName(app);
    if (row !== undefined) await store.removeSlugs(row.id);
  }
  await failpoint('gc.slugsRemoved');
  const garbage = garbageOf(removals, await unusedImages.remove());
  noteEvent(deps, {
    kind: 'images.removed',
    actor: user.name,
    message: `${String(garbage.images.length)} unused images were removed from the controller: ${megabytes(garbage.sizeBytes)}.`,
    next: 'slipway gc --dry-run',
  });
  return garbage;
}

function garbageOf(removals: readonly SlugRemoval[], images: readonly UnusedImage[]): Garbage {
  return {
    sizeBytes: images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    images: images.map((image) => ({ ...image, releases: releasesWith(removals, image.digest) })),
    releases: removals.map(({ app, releases }) => ({ app, versions: releases.map(({ version }) => version) })),
  };
}

function releasesWith(removals: readonly SlugRemoval[], digest: Digest): readonly ReleasesOfApp[] {
  return removals
    .map(({ app, releases }) => ({
      app,
      versions: releases.filter(({ digests }) => digests.includes(digest)).map(({ version }) => version),
    }))
    .filter(({ versions }) => versions.length > 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
