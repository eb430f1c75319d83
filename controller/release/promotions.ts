import type { Digest, UserId } from '../../shared/domain/ids.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { UnusedImages } from '../build/unused-images.ts';
import type { App } from '../domain/apps.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { requireUnlocked } from './app-lock.ts';
import { configWithDefaults } from './default-config.ts';
import type { PostDeploy } from './release-phase.ts';
import type { Releases } from './releases.ts';

export interface PromotionsDeps {
  readonly store: Pick<Store, 'appById' | 'currentRelease' | 'config' | 'setConfig'>;
  readonly releases: Pick<Releases, 'createOrFail'>;
  readonly postDeploy: Pick<PostDeploy, 'run'>;
  /** One per app. */
  readonly queue: KeyedQueue;
  readonly unusedImages: Pick<UnusedImages, 'during' | 'note'>;
  readonly hasImage: (digest: Digest) => Promise<boolean>;
}

export interface Promoted {
  /** The new release of the other app. */
  readonly version: number;
  /** The release whose slug it has. */
  readonly from: number;
  readonly commit: string;
  /** Why scripts of app.json failed after the release was live. */
  readonly failedScripts: readonly string[];
}

/** Releases the slug of one app in another app, without a build. */
export class Promotions {
  readonly #deps: PromotionsDeps;

  constructor(deps: PromotionsDeps) {
    this.#deps = deps;
  }

  /**
   * The other app keeps its own config vars, and both apps share the images. @throws SLIP_APP_LOCKED, SLIP_PROMOTE_SAME,
   * SLIP_PROMOTE_NO_RELEASE, SLIP_PROMOTE_STACK, SLIP_PROMOTE_SLUG, SLIP_CONFIG_SIZE, SLIP_RELEASE_SIZE, and the failure of the new release
   */
  async promote(userId: UserId, { from, to }: { readonly from: App; readonly to: App }): Promise<Promoted> {
    if (from.id === to.id) throw sameApp(from);
    requireUnlocked(to);
    return await this.#deps.unusedImages.during(async () => {
      const source = await this.#source(from, to);
      const promoted = await this.#deps.queue.enqueue(to.id, () => this.#inTurn(userId, { from, to, source }));
      const failures = await this.#deps.postDeploy.run(to, promoted.version);
      return { ...promoted, failedScripts: failures.map(({ message }) => message) };
    });
  }

  async #inTurn(
    userId: UserId,
    { from, to, source }: { readonly from: App; readonly to: App; readonly source: Release },
  ): Promise<Omit<Promoted, 'failedScripts'>> {
    const { slug, version } = source;
    requireUnlocked((await this.#deps.store.appById(to.id)) ?? to); // somebody may have locked it meanwhile
    const config = await configWithDefaults(this.#deps.store, to, slug);
    const description = `Promote ${from.name} v${String(version)} ${slug.commit.slice(0, 7)}`;
    const what = { cause: 'promote', sourceVersion: version, slug, config, userId, description } as const;
    const kept = `See why with: slipway why ${to.name}`;
    const release = await this.#deps.releases.createOrFail(to, { appId: to.id, ...what }, kept);
    return { version: release.version, from: version, commit: slug.commit };
  }

  async #source(from: App, to: App): Promise<Release> {
    const { store, unusedImages, hasImage } = this.#deps;
    const source = await store.currentRelease(from.id);
    if (source === undefined) throw noRelease(from);
    if (source.slug.stack !== to.stack) throw otherStack(source, { from, to });
    for (const { digest } of source.slug.layers) {
      unusedImages.note(digest); // so no clean-up removes it before the new release is stored
      if (!(await hasImage(digest))) throw slugGone(from, source);
    }
    return source;
  }
}

function sameApp({ name }: App): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROMOTE_SAME',
    message: `${name} cannot be promoted to itself.`,
    hint: `Name another app: slipway promote --to OTHER-APP -a ${name}`,
    httpStatus: 422,
  });
}

function noRelease({ name }: App): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROMOTE_NO_RELEASE',
    message: `${name} has no current release, so there is nothing to promote.`,
    hint: `See its releases with: slipway releases -a ${name}`,
    httpStatus: 422,
  });
}

function otherStack({ slug, version }: Release, { from, to }: { readonly from: App; readonly to: App }): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROMOTE_STACK',
    message: `v${String(version)} of ${from.name} was built on the stack ${slug.stack}, and ${to.name} runs on the stack ${to.stack}.`,
    hint: `Promote to an app with the same stack, or push the commit to ${to.name} itself.`,
    httpStatus: 422,
  });
}

/** For example because a backup had only the database. */
function slugGone({ name }: App, { version }: Release): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROMOTE_SLUG',
    message: `The controller does not have all layers of v${String(version)} of ${name} any more, so it cannot be promoted.`,
    hint: `Push to ${name} again: git push slipway main`,
    httpStatus: 422,
  });
}
