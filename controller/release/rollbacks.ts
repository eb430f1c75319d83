import { isDeepStrictEqual } from 'node:util';
import { changedNames } from '../../shared/domain/changed-names.ts';
import type { HealthChecks } from '../../shared/domain/health-check.ts';
import type { Digest, UserId } from '../../shared/domain/ids.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import type { UnusedImages } from '../build/unused-images.ts';
import type { App } from '../domain/apps.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { requireUnlocked } from './app-lock.ts';
import type { Releases } from './releases.ts';
import { planRollback, restorableVersions, slugGone } from './rollback-plan.ts';

export interface RollbacksDeps {
  readonly store: Pick<Store, 'appById' | 'keptReleases' | 'release' | 'config' | 'healthChecks'>;
  readonly releases: Pick<Releases, 'createOrFail'>;
  /** One per app. */
  readonly queue: KeyedQueue;
  readonly unusedImages: Pick<UnusedImages, 'during' | 'note'>;
  readonly hasImage: (digest: Digest) => Promise<boolean>;
}

export interface RolledBack {
  /** The new release. */
  readonly version: number;
  /** The release whose slug and config it has. */
  readonly to: number;
  readonly commit: string;
  /** Names of the config vars whose values changed. */
  readonly changed: readonly string[];
  /** Process types whose health checks of checks:set changed. */
  readonly changedChecks: readonly string[];
}

/** Makes a new release with the slug, the config and the health checks of a former one. */
export class Rollbacks {
  readonly #deps: RollbacksDeps;

  constructor(deps: RollbacksDeps) {
    this.#deps = deps;
  }

  /**
   * @param version absent: the release that served before the current one
   * @throws SLIP_APP_LOCKED, SLIP_ROLLBACK_*, SLIP_RELEASE_UNKNOWN, and the failure of the new release
   */
  rollBack(app: App, userId: UserId, version: number | undefined): Promise<RolledBack> {
    return this.#deps.unusedImages.during(() =>
      this.#deps.queue.enqueue(app.id, () => this.#inTurn(app, userId, version)),
    );
  }

  async #inTurn(app: App, userId: UserId, version: number | undefined): Promise<RolledBack> {
    const { store, releases } = this.#deps;
    requireUnlocked((await store.appById(app.id)) ?? app);
    const target = await this.#target(app, version);
    const changed = changedNames(await store.config(app.id), target.config);
    const { slug, config, buildId, ref, checks = {} } = target;
    const changedChecks = changedTypes(await store.healthChecks(app.id), checks);
    const description = `Rollback to v${String(target.version)}`;
    const code = { slug, config, buildId, ref, checks };
    const what = { cause: 'rollback', sourceVersion: target.version, ...code, description } as const;
    const kept = `The config vars and health checks did not change. See why with: slipway why ${app.name}`;
    const release = await releases.createOrFail(app, { appId: app.id, userId, ...what }, kept);
    return { version: release.version, to: target.version, commit: slug.commit, changed, changedChecks };
  }

  /** Its images are noted first, so no clean-up removes them before the new release is stored. */
  async #target(app: App, wanted: number | undefined): Promise<Release> {
    const { store, unusedImages, hasImage } = this.#deps;
    const kept = await store.keptReleases(app.id);
    const version = planRollback({ app: app.name, releases: kept, version: wanted });
    const target = await store.release(app.id, version);
    const others = restorableVersions(kept).filter((each) => each !== version);
    if (target === undefined) throw slugGone(app.name, version, others);
    for (const { digest } of target.slug.layers) {
      unusedImages.note(digest);
      if (!(await hasImage(digest))) throw slugGone(app.name, version, others);
    }
    return target;
  }
}

/** The process types whose checks differ, also those that only one of the two has. */
function changedTypes(one: HealthChecks, other: HealthChecks): readonly string[] {
  const types = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...types].filter((type) => !isDeepStrictEqual(ownProperty(one, type), ownProperty(other, type))).sort();
}
