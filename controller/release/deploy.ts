import type { Clock } from '../../shared/kit/clock.ts';
import { renderError, SlipwayError, toSlipwayError, TROUBLE } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { BuildResult } from '../../shared/domain/build.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import type { SwitchReport } from '../../shared/domain/switch-figures.ts';
import type { Builds, FindSource } from '../build/run-build.ts';
import type { UnusedImages } from '../build/unused-images.ts';
import type { Push, PushOutcome, PushOutput } from '../push/port.ts';
import type { App } from '../domain/apps.ts';
import type { Build } from '../domain/builds.ts';
import type { Store } from '../store/port.ts';
import { appDestroyed, type AppLifetimes } from './app-lifetimes.ts';
import { requireUnlocked } from './app-lock.ts';
import type { DeployAborts } from './deploy-aborts.ts';
import { applyAppJson, type AppliedAppJson } from './first-deploy.ts';
import type { HistoryCleaner } from './history-cleaner.ts';
import { renderFailure, renderLaunching, renderLive, renderSwitch } from './push-output.ts';
import { pushTimings } from './push-timings.ts';
import type { PostDeploy } from './release-phase.ts';
import type { Releases } from './releases.ts';
import type { RolloutOutcome } from './rollout-io.ts';
import { tellDrains, type TellDrainsDeps } from './tell-drains.ts';
import { switchReportOf } from './switch-report.ts';

export interface DeployDeps {
  readonly store: Store;
  readonly builds: Pick<Builds, 'build'>;
  readonly releases: Releases;
  readonly postDeploy: Pick<PostDeploy, 'run'>;
  readonly queue: KeyedQueue;
  readonly lifetimes: AppLifetimes;
  readonly aborts: DeployAborts;
  readonly unusedImages: Pick<UnusedImages, 'during'>;
  readonly history: Pick<HistoryCleaner, 'grown'>;
  readonly fleet: TellDrainsDeps['fleet'];
  readonly clock: Clock;
  readonly log: Logger;
  /** Source tree of a commit, as the builder gets it. */
  readonly findSource: (push: Push, root: string | undefined) => ReturnType<FindSource>;
  readonly commitTimeMs: (push: Push) => Promise<number>;
  /** app.json of a commit. Undefined when it has none. */
  readonly readAppJson: (push: Push) => Promise<Uint8Array | undefined>;
  readonly randomSecret: () => string;
  readonly failpoint: Failpoint;
  /** `http://hello.localhost:8080`; undefined when the app has no web process. */
  readonly urlOf: (app: App) => string;
}

interface PushIo {
  readonly output: PushOutput;
  readonly signal: AbortSignal;
  /** Aborted, as `signal` then is too, when a user aborts the deploy. */
  readonly abort: AbortSignal;
}

interface Built {
  readonly build: Build;
  readonly result: BuildResult;
}

/** A deploy that went live. */
interface Live {
  readonly built: Built;
  readonly outcome: Extract<RolloutOutcome, { readonly ok: true }>;
  readonly cut: { readonly version: number; readonly atMs: number };
  readonly builtAtMs: number;
}

/** Takes a push from its commit to running instances: build → release → rollout. */
export class Deploys {
  readonly #deps: DeployDeps;
  /** One push per app at a time. The app's own queue is held for the release only, so an app can be scaled and moved during a build. */
  readonly #pushes = new KeyedQueue();

  constructor(deps: DeployDeps) {
    this.#deps = deps;
  }

  /** Never rejects. A failure is in the outcome, and the output explains it. */
  async deploy(push: Push, output: PushOutput, signal: AbortSignal): Promise<PushOutcome> {
    try {
      const app = await this.#deps.store.appById(push.app.appId);
      if (app === undefined) throw appDestroyed(push.app.name);
      requireUnlocked(app);
      return await this.#deps.lifetimes.during(app.id, signal, (until) =>
        this.#deps.unusedImages.during(() =>
          this.#pushes.enqueue(app.id, () =>
            this.#deps.aborts.during(app.id, (abort) =>
              this.#inTurn(app, push, { output, signal: AbortSignal.any([until, abort]), abort }),
            ),
          ),
        ),
      );
    } catch (error) {
      const known = toSlipwayError(error);
      if (known.kind !== 'user' && known.code !== 'SLIP_APP_DESTROYED')
        this.#deps.log.error({ app: push.app.name, err: error }, 'deploy.failed');
      output(renderError(known, TROUBLE));
      return { ok: false, reason: known.message };
    } finally {
      this.#deps.history.grown(push.app.appId);
    }
  }

  async #inTurn(app: App, push: Push, io: PushIo): Promise<PushOutcome> {
    const stop = tellDrains(this.#deps, app, io.output);
    try {
      return await this.#buildAndRelease(app, push, io);
    } finally {
      stop();
    }
  }

  async #buildAndRelease(app: App, push: Push, io: PushIo): Promise<PushOutcome> {
    requireUnlocked((await this.#deps.store.appById(app.id)) ?? app); // somebody may have locked it while this push waited
    const scripts = await this.#applyAppJson(app, push, io);
    const built = await this.#build(app, push, io);
    if (built instanceof SlipwayError) return { ok: false, reason: built.message }; // the build has printed the reason
    await this.#deps.failpoint('build.stored');
    io.abort.throwIfAborted();
    if (io.signal.aborted)
      return { ok: false, reason: io.signal.reason instanceof SlipwayError ? io.signal.reason.message : 'cancelled' };
    io.output(renderLaunching());
    const slug = { ...built.result.slug, scripts };
    const released = await this.#deps.queue.enqueue(app.id, () => this.#release(app, push, { ...built, ...io, slug }));
    return released.ok ? await this.#runScripts(app, released.version, io) : released;
  }

  /** The code is live, so a script that fails does not reject the push: git would say that the branch has other code. */
  async #runScripts(app: App, version: number, { output }: PushIo): Promise<PushOutcome> {
    const { store, postDeploy } = this.#deps;
    await postDeploy.run(app, version, output);
    const failure = (await store.release(app.id, version))?.failure;
    if (failure === undefined) return { ok: true };
    output(renderFailure(failure, { version, serving: (await store.currentRelease(app.id))?.version })); // in its bake
    const { queue } = this.#deps;
    const read = (): Promise<SwitchReport | undefined> =>
      switchReportOf(this.#deps, { appId: app.id, release: version });
    const switched = await queue.enqueue(app.id, read).catch(() => undefined); // after the way back. The app may be destroyed
    if ((switched?.failed ?? 0) > 0) output(renderSwitch(switched, { version, app: app.name }));
    return { ok: false, reason: `v${String(version)} failed: ${failure.message}` };
  }

  /** Before the build, so that a mistake is told at once and the build has the variables. @throws what {@link applyAppJson} throws */
  async #applyAppJson(app: App, push: Push, { output }: PushIo): Promise<Slug['scripts']> {
    const { store, queue, readAppJson } = this.#deps;
    const content = await readAppJson(push);
    if (content === undefined) return undefined;
    const { userId } = push.user;
    const apply = (): Promise<AppliedAppJson> => applyAppJson(this.#deps, { app, userId, content });
    const isFirst = (await store.currentRelease(app.id)) === undefined;
    const { said, scripts } = await (isFirst ? queue.enqueue(app.id, apply) : apply()); // only the first deploy changes something
    if (said !== '') output(said);
    return scripts;
  }

  async #release(
    app: App,
    push: Push,
    { build, result, slug, output, signal, abort }: PushIo & Built & { readonly slug: Slug },
  ): Promise<(PushOutcome & { readonly ok: false }) | { readonly ok: true; readonly version: number }> {
    abort.throwIfAborted(); // a user may have aborted the deploy while it waited for its turn
    const builtAtMs = this.#sinceAccepted(push);
    const serving = await this.#deps.store.currentRelease(app.id);
    let cut = { version: 0, atMs: 0 };
    const code = { slug, buildId: build.id, userId: push.user.userId, ref: push.ref };
    const { outcome } = await this.#deps.releases.deploy(app, code, {
      onCut: (version) => {
        cut = { version, atMs: this.#sinceAccepted(push) };
      },
      print: output,
      givenUp: signal,
    });
    const { version } = cut;
    if (!outcome.ok) {
      const switched = await switchReportOf(this.#deps, { appId: app.id, release: version });
      output(renderFailure(outcome.failure, { version, serving: serving?.version }));
      if ((switched?.failed ?? 0) > 0) output(renderSwitch(switched, { version, app: app.name }));
      return { ok: false, reason: `v${String(version)} failed: ${outcome.failure.message}` };
    }
    const live = { built: { build, result }, outcome, cut, builtAtMs };
    await this.#tellLive(app, push, { ...live, output }).catch((error: unknown) => {
      this.#deps.log.error({ app: app.name, version, err: error }, 'deploy.not_told'); // the code is live all the same
    });
    return { ok: true, version };
  }

  /** Stores and prints how the deploy went. */
  async #tellLive(
    app: App,
    push: Push,
    { built: { build, result }, outcome, cut, builtAtMs, output }: Live & Pick<PushIo, 'output'>,
  ): Promise<void> {
    const { version } = cut;
    const timingsMs = pushTimings({
      git: push.timingsMs,
      build: result.stats,
      slug: result.slug,
      builtAtMs,
      cutAtMs: cut.atMs,
      liveAtMs: outcome.switchedAtMs - push.acceptedAtMs,
      returnedAtMs: this.#sinceAccepted(push),
      instance: outcome.timingsMs,
    });
    await this.#deps.store.setBuildTimings(build.id, timingsMs).catch((error: unknown) => {
      this.#deps.log.warn({ app: app.name, err: error }, 'build.timings_lost'); // the release is live without them
    });
    const types = Object.keys(result.slug.processTypes).filter((type) => type !== 'release');
    const now = (await this.#deps.store.appById(app.id)) ?? app; // it may have another name now
    const url = types.includes('web') ? this.#deps.urlOf(now) : undefined;
    output(renderLive({ version, nodes: outcome.nodes, url, types, timingsMs, app: now.name, stopped: now.stopped }));
    const switched = await switchReportOf(this.#deps, { appId: app.id, release: version });
    if (switched !== undefined) output(renderSwitch(switched, { version, app: now.name }));
    if (outcome.refLate !== undefined) output(renderError(outcome.refLate, TROUBLE));
  }

  /** A failure has been printed to the user and stored with the build. */
  async #build(app: App, push: Push, io: PushIo): Promise<Built | SlipwayError> {
    const request = {
      app,
      userId: push.user.userId,
      commit: push.newCommit,
      commitTimeMs: await this.#deps.commitTimeMs(push),
      findSource: (root: string | undefined) => this.#deps.findSource(push, root),
      output: io.output,
      signal: io.signal,
    };
    return this.#deps.builds.build(request).catch((error: unknown) => {
      const known = toSlipwayError(error);
      if (known.kind === 'bug' && !io.signal.aborted)
        this.#deps.log.error({ app: app.name, err: error }, 'build.failed');
      return known;
    });
  }

  #sinceAccepted(push: Push): number {
    return this.#deps.clock.monotonicMs() - push.acceptedAtMs;
  }
}
