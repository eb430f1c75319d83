import { randomBytes } from 'node:crypto';
import { APP_JSON_BYTES_MAX } from '../shared/domain/app-json.ts';
import type { Digest } from '../shared/domain/ids.ts';
import type { KeyedQueue } from '../shared/kit/keyed-queue.ts';
import { randomId } from '../shared/kit/random-id.ts';
import { newInstanceId } from './assignments/instance-id.ts';
import { DEFAULT_BUILD_POLICY, Builds } from './build/run-build.ts';
import { BuilderPool } from './build/builder-pool.ts';
import { BuildLogs } from './build/build-log.ts';
import { UnusedImages } from './build/unused-images.ts';
import { webUrl } from './config.ts';
import { CronRuns } from './cron/cron-runs.ts';
import type { Dispatch } from './dispatch/create-dispatch.ts';
import type { App } from './domain/apps.ts';
import { Formations } from './formation/formations.ts';
import { Restarts } from './formation/restarts.ts';
import { controllerPaths, type Basics, type Foundations } from './foundations.ts';
import { OneOffs } from './one-off/one-offs.ts';
import { PostDeployScripts } from './one-off/post-deploy.ts';
import { ReleaseCommand } from './one-off/release-command.ts';
import { StepRunner } from './one-off/step-runner.ts';
import { followRelease } from './push/git/deploy-ref.ts';
import { keepCommits } from './push/git/kept-commits.ts';
import { commitInfo, removeRepository, repositoryPath } from './push/git/repository.ts';
import { findTree, readCommitFile } from './push/git/source.ts';
import type { AppLifetimes } from './release/app-lifetimes.ts';
import { BakeWatcher } from './release/bake-watcher.ts';
import { CheckChanges } from './release/check-changes.ts';
import type { DeployAborts } from './release/deploy-aborts.ts';
import { Deploys } from './release/deploy.ts';
import { Destroys } from './release/destroys.ts';
import { HistoryCleaner } from './release/history-cleaner.ts';
import type { PostDeploy } from './release/release-phase.ts';
import { Promotions } from './release/promotions.ts';
import { Releases } from './release/releases.ts';
import { Rollbacks } from './release/rollbacks.ts';
import { DEFAULT_ROLLOUT_POLICY } from './release/rollout-plan.ts';
import { Rollouts } from './release/rollout.ts';
import { Switches } from './release/switches.ts';

/** What all changes of apps share. */
export interface AppWork {
  readonly dispatch: Dispatch;
  /** All work on one app takes turns. */
  readonly queue: KeyedQueue;
  readonly lifetimes: AppLifetimes;
  readonly aborts: DeployAborts;
}

export interface BuildParts {
  readonly builderPool: BuilderPool;
  readonly builds: Builds;
  readonly buildLogs: BuildLogs;
  readonly unusedImages: UnusedImages;
}

export async function composeBuilds(
  { config, failpoint }: Basics,
  foundations: Foundations,
  { builders }: Dispatch,
): Promise<BuildParts> {
  const { store } = foundations;
  const buildLogs = new BuildLogs(controllerPaths(config.stateDir).builds);
  const builderPool = new BuilderPool({ store, builders }, await store.builderLabels());
  const limits = { ...DEFAULT_BUILD_POLICY, ...defined(config.build) };
  const builds = new Builds({ store, builders, pool: builderPool, logs: buildLogs, failpoint, limits });
  return { builderPool, builds, buildLogs, unusedImages: new UnusedImages(foundations) };
}

export interface ReleaseParts {
  readonly releases: Releases;
  readonly postDeploy: PostDeploy;
  readonly switches: Switches;
  readonly promotions: Promotions;
  readonly rollbacks: Rollbacks;
  readonly formations: Formations;
  readonly history: HistoryCleaner;
  readonly oneOffs: OneOffs;
  readonly cronRuns: CronRuns;
  readonly checkChanges: CheckChanges;
}

export function composeReleases(
  basics: Basics,
  { store, images: imageStore }: Foundations,
  work: AppWork & Pick<BuildParts, 'buildLogs' | 'unusedImages'>,
): ReleaseParts {
  const { config, clock, log, failpoint, signal } = basics;
  const { queue, lifetimes, aborts } = work;
  const { fleet } = work.dispatch;
  const { repos } = controllerPaths(config.stateDir);
  const policy = { ...DEFAULT_ROLLOUT_POLICY, ...defined(config.rollout) };
  const moveRef = (app: App, ref: string | undefined, commit: string): Promise<void> =>
    followRelease(repositoryPath(repos, app.id), { ref, commit });
  const { switches: counts, commands } = work.dispatch;
  const switches = new Switches({ store, fleet, counts, clock, log, failpoint, signal });
  const rolling = { store, fleet, clock, log, failpoint, policy, newInstanceId, queue, switches };
  const rollouts = new Rollouts({ ...rolling, moveRef });
  const baking = { store, fleet, rollouts, queue, clock, log, newInstanceId, failpoint, switches };
  const bakeWatcher = new BakeWatcher({ ...baking, bakeMs: policy.bakeMs });
  const { buildLogs: logs, unusedImages } = work;
  const history = new HistoryCleaner({
    ...{ store, logs, images: unusedImages, clock, log, failpoint, signal },
    keepCommits: (appId, commits) => keepCommits(repositoryPath(repos, appId), commits),
  });
  const oneOffs = new OneOffs({ store, fleet, commands, randomId });
  const cronRuns = new CronRuns({ store, oneOffs, commands, failpoint });
  const { roomTimeoutMs } = policy;
  const steps = new StepRunner({ store, oneOffs, commands, clock, log, roomTimeoutMs });
  const phase = new ReleaseCommand({ steps, failpoint });
  const postDeploy = new PostDeployScripts({ store, steps, lifetimes, aborts, failpoint, log, signal });
  const releases = new Releases({
    store,
    rollouts,
    phase,
    postDeploy,
    bakeWatcher,
    queue,
    lifetimes,
    aborts,
    history,
    failpoint,
    log,
    signal,
  });
  const hasImage = (digest: Digest): Promise<boolean> => imageStore.has(digest);
  const promotions = new Promotions({ store, releases, postDeploy, queue, unusedImages, hasImage });
  const rollbacks = new Rollbacks({ store, releases, queue, unusedImages, hasImage });
  const restartDeps = { store, fleet, clock, log, policy, newInstanceId, signal };
  const formations = new Formations({ ...restartDeps, restarts: new Restarts(restartDeps), queue, failpoint });
  const checkChanges = new CheckChanges({ store, queue, releases, log });
  const made = { releases, switches, postDeploy, promotions, rollbacks };
  return { ...made, formations, history, oneOffs, cronRuns, checkChanges };
}

export function composeDeploys(
  { config, clock, log, failpoint }: Basics,
  { store }: Foundations,
  parts: AppWork & BuildParts & ReleaseParts,
): Deploys {
  const { builds, releases, postDeploy, queue, lifetimes, aborts, unusedImages, history } = parts;
  const { fleet } = parts.dispatch;
  return new Deploys({
    ...{
      store,
      builds,
      releases,
      postDeploy,
      fleet,
      queue,
      lifetimes,
      aborts,
      unusedImages,
      history,
      clock,
      log,
      failpoint,
    },
    findSource: (push, root) => findTree(push.repositoryDir, push.newCommit, root),
    commitTimeMs: async (push) => push.commit?.timeMs ?? (await commitInfo(push.repositoryDir, push.newCommit)).timeMs,
    readAppJson: async ({ app, repositoryDir, newCommit: commit }) => {
      const { root } = await store.buildSettings(app.appId);
      const path = root === undefined ? 'app.json' : `${root}/app.json`;
      return await readCommitFile(repositoryDir, { commit, path, maxBytes: APP_JSON_BYTES_MAX + 1 }); // the parser reports a larger file
    },
    randomSecret: () => randomBytes(32).toString('hex'),
    urlOf: (app) => webUrl(config, app.name),
  });
}

export function composeDestroys(
  { config, clock, log, failpoint, signal }: Basics,
  { store }: Foundations,
  { dispatch, queue, lifetimes, buildLogs, unusedImages }: AppWork & BuildParts,
): Destroys {
  const { repos } = controllerPaths(config.stateDir);
  return new Destroys({
    ...{ store, fleet: dispatch.fleet, lifetimes, queue, clock, log, failpoint, signal },
    removeRepository: (appId) => removeRepository(repos, appId),
    removeUnused: async () => {
      await buildLogs.removeUnknown((ids) => store.unknownBuilds(ids));
      await unusedImages.remove();
    },
  });
}

/** Drops absent fields, so that they do not hide defaults. */
function defined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
