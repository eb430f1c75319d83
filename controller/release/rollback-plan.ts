import type { KeptRelease } from '../domain/releases.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** A rollback as a user asks for it. */
export interface WantedRollback {
  readonly app: string;
  /** Oldest first. */
  readonly releases: readonly KeptRelease[];
  /** Absent: the release that served before the current one. */
  readonly version?: number | undefined;
}

/**
 * Pure: the version to restore. @throws SLIP_ROLLBACK_NONE, SLIP_ROLLBACK_CURRENT, SLIP_ROLLBACK_FAILED, SLIP_ROLLBACK_PRUNED,
 * SLIP_RELEASE_UNKNOWN
 */
export function planRollback({ app, releases, version }: WantedRollback): number {
  const target =
    version === undefined
      ? releases.findLast(({ state }) => state === 'superseded')
      : releases.find((each) => each.version === version);
  const restorable = restorableVersions(releases);
  if (target === undefined) throw version === undefined ? nothingEarlier(app) : unknown(app, version, restorable);
  if (target.state === 'current') throw alreadyCurrent(app, target);
  if (target.state !== 'superseded') throw neverServed(app, target, restorable);
  if (target.digests.length === 0) throw slugGone(app, target.version, restorable);
  return target.version;
}

/** Pure: the versions that a rollback can restore, newest first. */
export function restorableVersions(releases: readonly KeptRelease[]): readonly number[] {
  return releases
    .filter(({ state, digests }) => state === 'superseded' && digests.length > 0)
    .map(({ version }) => version)
    .reverse();
}

function nothingEarlier(app: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ROLLBACK_NONE',
    message: `${app} has no earlier release that served, so there is nothing to go back to.`,
    hint: `See its releases with: slipway releases -a ${app}`,
    httpStatus: 422,
  });
}

function unknown(app: string, version: number, restorable: readonly number[]): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_RELEASE_UNKNOWN',
    message: `${app} has no release v${String(version)}.`,
    hint: whatElse(app, restorable),
    httpStatus: 404,
  });
}

function alreadyCurrent(app: string, { version }: KeptRelease): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ROLLBACK_CURRENT',
    message: `v${String(version)} is the current release of ${app} already.`,
    hint: `To go back to the release before it: slipway rollback -a ${app}`,
    httpStatus: 422,
  });
}

function neverServed(app: string, { version, state }: KeptRelease, restorable: readonly number[]): SlipwayError {
  const why = state === 'failed' ? 'failed' : 'is not finished';
  return new SlipwayError({
    code: 'SLIP_ROLLBACK_FAILED',
    message: `v${String(version)} of ${app} ${why}, so it cannot be restored.`,
    hint: whatElse(app, restorable),
    httpStatus: 422,
  });
}

/** Also for images that the controller lost, for example because a backup had only the database. */
export function slugGone(app: string, version: number, restorable: readonly number[]): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ROLLBACK_PRUNED',
    message: `The slug of v${String(version)} of ${app} was removed, so it cannot be restored.`,
    hint: whatElse(app, restorable),
    httpStatus: 422,
  });
}

const LISTED = 10;

function whatElse(app: string, restorable: readonly number[]): string {
  const [newest] = restorable;
  if (newest === undefined) return 'No release can be restored. Push the commit again: git push slipway COMMIT:main';
  const versions = restorable.slice(0, LISTED).map((version) => `v${String(version)}`);
  const more = restorable.length > LISTED ? ' and older ones' : '';
  return `These can be restored: ${versions.join(', ')}${more}. For example: slipway rollback v${String(newest)} -a ${app}`;
}
