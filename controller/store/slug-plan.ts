import type { KeptRelease, KeptReleases } from '../domain/releases.ts';
import { PINS_MAX } from '../../shared/domain/history.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/**
 * Pure: the releases whose slugs are removed. The slugs of these stay: of every release that is current, unfinished, pinned or has instances,
 * and of as many more slugs as the app keeps, the newest first. Config changes have the slug of the release before them, so they use up no
 * place.
 */
export function planSlugRemoval({ releases, placed, slugsKept }: KeptReleases): readonly number[] {
  const withSlug = releases.filter(({ digests }) => digests.length > 0);
  const needed = new Set(withSlug.filter((release) => isNeeded(release, placed)).map(slugKey));
  const current = withSlug.find(({ state }) => state === 'current');
  const earlier = new Set<string>();
  for (const release of withSlug.toSorted((a, b) => b.version - a.version)) {
    if (release.state !== 'superseded' || (current !== undefined && slugKey(release) === slugKey(current))) continue;
    if (earlier.size < slugsKept) earlier.add(slugKey(release));
  }
  return withSlug
    .filter((release) => !needed.has(slugKey(release)) && !earlier.has(slugKey(release)))
    .map(({ version }) => version);
}

function isNeeded({ state, version, pinned }: KeptRelease, placed: ReadonlySet<number>): boolean {
  return state !== 'superseded' || pinned || placed.has(version);
}

function slugKey({ digests }: KeptRelease): string {
  return digests.join(' ');
}

/** Pure. @throws SLIP_RELEASE_UNKNOWN, SLIP_RELEASE_PRUNED, SLIP_RELEASE_PINS */
export function checkPin(app: string, releases: readonly KeptRelease[], version: number): void {
  const release = releases.find((each) => each.version === version);
  if (release === undefined) throw releaseUnknown(app, version);
  if (release.digests.length === 0) throw slugRemoved(app, release);
  if (!release.pinned && releases.filter(({ pinned }) => pinned).length >= PINS_MAX) throw tooManyPins(app);
}

export function releaseUnknown(app: string, version: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_RELEASE_UNKNOWN',
    message: `${app} has no release v${String(version)}.`,
    hint: `See its releases with: slipway releases -a ${app}`,
    httpStatus: 404,
  });
}

function slugRemoved(app: string, { version, state }: KeptRelease): SlipwayError {
  const why = state === 'failed' ? 'failed' : 'has no slug any more';
  return new SlipwayError({
    code: 'SLIP_RELEASE_PRUNED',
    message: `v${String(version)} of ${app} ${why}, so it cannot be pinned.`,
    hint: `Pin a release that can be restored: slipway releases -a ${app}`,
    httpStatus: 422,
  });
}

function tooManyPins(app: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_RELEASE_PINS',
    message: `${app} has ${String(PINS_MAX)} pinned releases, which is the limit.`,
    hint: `Unpin one first: slipway releases:unpin VERSION -a ${app}`,
    httpStatus: 422,
  });
}
