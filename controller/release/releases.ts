import { toReason } from '../../shared/domain/instance.ts';
import { checkConfigSize } from '../../shared/domain/config-size.ts';
import type { BuildId, UserId } from '../../shared/domain/ids.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { App } from '../domain/apps.ts';
import type { NewRelease, Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import type { AppLifetimes } from './app-lifetimes.ts';
import type { BakeWatcher } from './bake-watcher.ts';
import type { DeployAborts } from './deploy-aborts.ts';
import type { HistoryCleaner } from './history-cleaner.ts';
import {
  applyChanges,
  checkConfig,
  checkRevision,
  describeChange,
  isSameConfig,
  namesThatChange,
  type ConfigChanged,
  type ConfigChanges,
} from './config-changes.ts';
import { configWithDefaults } from './default-config.ts';
import type { PostDeploy, ReleasePhase } from './release-phase.ts';
import { checkReleaseSize } from './release-size.ts';
import { overtakenBy } from './rollout-plan.ts';
import type { RolloutOutcome } from './rollout-io.ts';
import type { Rollouts } from './rollout.ts';
import type { Failure } from '../assignments/instance-failure.ts';

export interface ReleasesDeps {
  readonly store: Store;
  readonly rollouts: Pick<Rollouts, 'rollOut' | 'fail' | 'syncRef'>;
  readonly bakeWatcher: Pick<BakeWatcher, 'watch'>;
  /** Absent: no release has a phase. */
  readonly phase?: ReleasePhase | undefined;
  readonly postDeploy: Pick<PostDeploy, 'resume'>;
  /** One per app: pushes, config changes and the end of a bake run one after the other. */
  readonly queue: KeyedQueue;
  readonly lifetimes: AppLifetimes;
  readonly aborts: DeployAborts;
  readonly history: Pick<HistoryCleaner, 'grown'>;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

export interface CodeRelease {
  readonly slug: Slug;
  readonly buildId: BuildId;
  readonly userId: UserId;
  readonly ref: string;
}

/** The caller that waits for a release. */
export interface ReleaseWatcher {
  /** Called with the version as soon as the release is stored. */
  readonly onCut?: (version: number) => void;
  readonly print?: (text: string) => void;
  /** Aborts when the caller gave up. Only the release phase ends then: a rollout continues. */
  readonly givenUp?: AbortSignal;
}

export interface Released {
  readonly release: Release;
  readonly outcome: RolloutOutcome;
}

/** Creates releases and rolls them out, whatever their cause. A release that is stored survives a crash: the next start continues its rollout. */
export class Releases {
  readonly #deps: ReleasesDeps;

  constructor(deps: ReleasesDeps) {
    this.#deps = deps;
  }

  /**
   * The one way to a new release, whatever its cause: stores it, runs its release phase, rolls it out, and begins its bake. The caller holds
   * the app's queue. @throws SLIP_RELEASE_SIZE, and what the store throws; a failure of the release is in the outcome
   */
  async create(app: App, wanted: NewRelease, watcher: ReleaseWatcher = {}): Promise<Released> {
    checkReleaseSize(app.name, wanted.slug, wanted.config);
    const release = await this.#deps.store.createRelease(wanted);
    watcher.onCut?.(release.version);
    await this.#deps.failpoint('release.committed');
    return { release, outcome: await this.#rollOut(app, release, watcher) };
  }

  /**
   * The same for a caller who waits for an answer without output. @param kept what the user keeps when the release fails, with the next command
   * @throws the failure of the release
   */
  async createOrFail(app: App, wanted: NewRelease, kept: string): Promise<Release> {
    const { release, outcome } = await this.create(app, wanted);
    this.#deps.history.grown(app.id);
    if (!outcome.ok) throw releaseFailed(release, outcome.failure, kept);
    return release;
  }

  /** Makes a release of new code. The caller holds the app's queue. @throws SLIP_CONFIG_SIZE, SLIP_RELEASE_SIZE */
  async deploy(app: App, code: CodeRelease, watcher: ReleaseWatcher): Promise<Released> {
    const config = await configWithDefaults(this.#deps.store, app, code.slug);
    const { slug, buildId, userId, ref } = code;
    const description = `Deploy ${slug.commit.slice(0, 7)}`;
    return await this.create(
      app,
      { appId: app.id, cause: 'deploy', slug, config, buildId, userId, description, ref },
      watcher,
    );
  }

  /**
   * Changes config vars (undefined removes one). If the app has a release, it rolls out a new release with the same slug. If no
   * value changes, nothing restarts, unless the current release does not have these values because the rollout failed before.
   * With a revision, the change is refused when the config vars have another one.
   * @throws SLIP_CONFIG_CHANGED, SLIP_NAME_CONFIG, SLIP_CONFIG_RESERVED, SLIP_CONFIG_VALUE, SLIP_CONFIG_SIZE, and the failure of the rollout
   */
  async setConfig(
    app: App,
    userId: UserId,
    { changes, revision }: { readonly changes: ConfigChanges; readonly revision?: string | undefined },
  ): Promise<ConfigChanged> {
    for (const [name, value] of Object.entries(changes)) checkConfig(name, value);
    return this.#deps.queue.enqueue(app.id, async () => {
      checkRevision(app.name, { expected: revision, found: await this.#deps.store.configRevision(app.id) });
      const before = await this.#deps.store.config(app.id);
      const changed = namesThatChange(before, changes);
      if (changed.length > 0) checkConfigSize(app.name, applyChanges(before, changes), before);
      const current = await this.#deps.store.currentRelease(app.id);
      if (changed.length === 0 && (current === undefined || isSameConfig(current.config, before))) return { changed };
      if (current !== undefined) checkReleaseSize(app.name, current.slug, applyChanges(before, changes));
      const config = await this.#deps.store.setConfig(app.id, changes, userId);
      await this.#deps.failpoint('config.stored');
      if (current === undefined) return { changed };
      const description = describeChange(changes, changed);
      const kept = `The variables keep their new values, and the next release uses them: slipway config -a ${app.name}`;
      const wanted = { ...sameCode(current), cause: 'config', config, userId, description } as const;
      return { version: (await this.createOrFail(app, wanted, kept)).version, changed };
    });
  }

  async #rollOut(app: App, release: Release, watcher: ReleaseWatcher = {}): Promise<RolloutOutcome> {
    const { lifetimes, aborts, signal } = this.#deps;
    const outcome = await lifetimes.during(app.id, signal, (until) =>
      aborts.during(app.id, (abort) => this.#phaseAndRollout(app, release, { until, abort, watcher })),
    );
    if (outcome.ok) this.#bake(app, release.version);
    return outcome;
  }

  async #phaseAndRollout(
    app: App,
    release: Release,
    io: { readonly until: AbortSignal; readonly abort: AbortSignal; readonly watcher: ReleaseWatcher },
  ): Promise<RolloutOutcome> {
    const { rollouts } = this.#deps;
    const { until, abort, watcher } = io;
    const givenUp = watcher.givenUp === undefined ? abort : AbortSignal.any([watcher.givenUp, abort]);
    const failure = await this.#runPhase(app, release, { signal: until, watcher: { ...watcher, givenUp } });
    if (failure === undefined) return rollouts.rollOut(app, release, { signal: until, abort, print: watcher.print });
    const reason = abort.aborted ? toReason(abort.reason) : failure;
    return rollouts.fail({ app, version: release.version, signal: until }, reason);
  }

  /** A release that a newer one overtook must not change anything, so its phase does not run. */
  async #runPhase(
    app: App,
    release: Release,
    { signal, watcher }: { readonly signal: AbortSignal; readonly watcher: ReleaseWatcher },
  ): Promise<Failure | undefined> {
    const { phase, store, queue, log } = this.#deps;
    if (phase === undefined || release.state !== 'pending') return undefined;
    const overtaken = overtakenBy(await store.currentRelease(app.id), release);
    if (overtaken !== undefined) return overtaken;
    const { print = () => undefined, givenUp } = watcher;
    const letMovesPass = (): Promise<void> => queue.letPass(app.id, 'move');
    try {
      return await phase.run(app, release, { signal, givenUp, print, letMovesPass });
    } catch (error) {
      if (signal.aborted) throw error; // the next start of the controller calls the phase again
      log.error({ app: app.name, version: release.version, err: error }, 'release.phase_failed');
      return toReason(error);
    }
  }

  #bake(app: App, version: number): void {
    const { lifetimes, bakeWatcher, signal } = this.#deps;
    const watch = (until: AbortSignal): Promise<void> => bakeWatcher.watch(app, version, until);
    const destroyed = (): Promise<void> => watch(AbortSignal.abort()); // it ends at once
    void lifetimes.during(app.id, signal, watch).catch(destroyed);
  }

  /**
   * At start: continues unfinished rollouts, and sets every ref to its current release. It is first in the queue of each app, so
   * a new push waits until the older releases are finished.
   */
  async resume(apps: readonly App[], ready: () => Promise<void>): Promise<void> {
    const unfinished = this.#deps.store
      .unfinishedReleases()
      .then((all) => Map.groupBy(all, (release) => release.appId));
    await Promise.all(
      apps.map((app) =>
        this.#deps.queue.enqueue(app.id, () => this.#resumeApp(app, { unfinished, ready })).catch(this.#logged(app)),
      ),
    );
  }

  async #resumeApp(
    app: App,
    from: {
      readonly unfinished: Promise<ReadonlyMap<string, readonly Release[]>>;
      readonly ready: () => Promise<void>;
    },
  ): Promise<void> {
    await this.#deps.rollouts.syncRef(app, this.#deps.signal);
    const mine = (await from.unfinished).get(app.id) ?? [];
    if (mine.length > 0) await from.ready();
    for (const release of mine) {
      this.#deps.log.info({ app: app.name, version: release.version, state: release.state }, 'release.resumed');
      await this.#rollOut(app, release);
    }
    await this.#resumeBake(app);
    const runDue = await this.#deps.postDeploy.resume(app);
    void runDue(); // the queue of the app does not wait for it
  }

  /** Starts a bake again that a restart of the controller interrupted. */
  async #resumeBake(app: App): Promise<void> {
    const current = await this.#deps.store.currentRelease(app.id);
    const rows = await this.#deps.store.assignmentsOfApp(app.id);
    if (current !== undefined && rows.some((row) => row.desired === 'standby')) this.#bake(app, current.version);
  }

  #logged(app: App): (error: unknown) => void {
    return (error) => {
      if (!this.#deps.signal.aborted) this.#deps.log.error({ app: app.name, err: error }, 'release.resume_failed');
    };
  }
}

/** What a release takes over from the one before it when its code stays. */
function sameCode({ appId, slug, ref }: Release): Pick<NewRelease, 'appId' | 'slug' | 'ref'> {
  return { appId, slug, ref };
}

function releaseFailed(release: Release, failure: Failure, kept: string): SlipwayError {
  return new SlipwayError({
    ...failure,
    message: `v${String(release.version)} failed: ${failure.message}`,
    hint: failure.hint === undefined ? kept : `${failure.hint} ${kept}`,
    httpStatus: 422,
  });
}
