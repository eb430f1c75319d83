import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId, Digest } from '../../shared/domain/ids.ts';
import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { requireBuilderDisk } from './builder-disk.ts';
import { BuildCaches } from './caches.ts';
import { CleanUps } from './clean-ups.ts';
import type { BuildContext, BuildRunnerDeps } from './context.ts';
import type { BuildRunnerConfig } from './config.ts';
import { SkippableDelays } from './skippable-delays.ts';
import type { BuildIo, BuildRunner } from './port.ts';
import { BuildRun } from './run-build.ts';
import { removeTaskFolder } from './task-folder.ts';

/** What the agent's composition root uses beyond the port. */
export interface NodeBuildRunner extends BuildRunner {
  /** Removes the files that an earlier run of the agent left. Call it first at the start. Failed removals are tried again later. */
  sweep(): Promise<void>;
  /** @throws SLIP_BUILD_LEFTOVERS while something of a build cannot be removed */
  checkLeftovers(): void;
  /** Apps whose build cache is on this node. */
  cachedAppIds(): Promise<readonly string[]>;
  clearCache(appId: AppId): Promise<void>;
  /** What is left of the app's builds, in words: a cache, a clean-up that is not done, the list of its layers. */
  leftOf(appId: AppId): Promise<readonly string[]>;
  /** Removes what {@link leftOf} names. A running build of the app goes on, and this waits for it. */
  removeApp(appId: AppId): Promise<void>;
  /** Layers that later builds of apps can reuse. */
  reusable(): Promise<ReadonlySet<Digest>>;
  /** Layers that running builds stand on or have just made: not to be collected. */
  layersInUse(): ReadonlySet<Digest>;
  /** Resolves when no clean-up is under way. */
  settled(): Promise<void>;
}

export function createBuildRunner(config: BuildRunnerConfig, deps: BuildRunnerDeps): NodeBuildRunner {
  return new SandboxBuildRunner(config, deps);
}

/** The start of the app on this node comes first: the clean-up starts several programs. */
const CLEAN_UP_PAUSE_MS = 2_000;

class SandboxBuildRunner implements NodeBuildRunner {
  readonly #context: BuildContext;
  /** One build of an app at a time: they share its cache. */
  readonly #queue = new KeyedQueue();
  readonly #cleanUps: CleanUps;
  /** By app. */
  readonly #delays: SkippableDelays;
  readonly #layersInUse = new Map<string, readonly Digest[]>();

  constructor(config: BuildRunnerConfig, deps: BuildRunnerDeps) {
    this.#cleanUps = new CleanUps(deps.clock, deps.log);
    this.#delays = new SkippableDelays(deps.clock);
    this.#context = {
      ...deps,
      config,
      caches: new BuildCaches({ root: config.cacheDir, limit: config.cacheLimit, mounted: config.canMount }, deps),
      useLayers: (taskId, layers) => {
        const before = this.#layersInUse.get(taskId) ?? [];
        this.#layersInUse.set(taskId, [...before, ...layers.map((layer) => layer.digest)]);
      },
      background: (appId, taskId, work) => this.#cleanUp(appId, taskId, work),
    };
  }

  build(task: BuildTask, io: BuildIo): Promise<BuildResult> {
    this.#delays.skip(task.appId);
    return this.#queue.run(task.appId, async () => {
      await requireBuilderDisk(this.#context.config.tasksDir);
      return await new BuildRun(this.#context, task, io).build();
    });
  }

  /** Sandboxes first, because they use the folders. A failed removal does not stop the others. */
  async sweep(): Promise<void> {
    const { sandbox, config, caches, run } = this.#context;
    for (const { id, purpose } of await sandbox.list()) {
      if (purpose === 'build') await this.#cleanUps.start(`sandbox ${id}`, () => removeSandbox(sandbox, id));
    }
    for (const name of await readdir(config.tasksDir).catch(() => [])) {
      const folder = join(config.tasksDir, name);
      void this.#cleanUps.start(folder, () => removeTaskFolder(folder, run)); // a hostile tree takes long, and no build waits for this folder
    }
    // Each in the queue of its app: a retry must not unmount the cache of a build that runs.
    for (const appId of await caches.mountedAppIds())
      await this.#cleanUps.start(
        `build cache of ${appId}`,
        () => this.#queue.run(appId, () => caches.close(appId)),
        appId,
      );
  }

  checkLeftovers(): void {
    this.#cleanUps.check();
  }

  cachedAppIds(): Promise<readonly string[]> {
    return this.#context.caches.appIds();
  }

  clearCache(appId: AppId): Promise<void> {
    this.#delays.skip(appId);
    return this.#queue.run(appId, () => this.#context.caches.clear(appId));
  }

  async leftOf(appId: AppId): Promise<readonly string[]> {
    const { caches, layers } = this.#context;
    const hasCache = (await caches.appIds()).includes(appId);
    const hasLayers = await layers.remembers(appId);
    const kept = [
      ...(hasCache ? [`build cache of ${appId}`] : []),
      ...(hasLayers ? [`list of layers of ${appId}`] : []),
    ];
    return [...this.#cleanUps.pendingOf(appId), ...kept];
  }

  async removeApp(appId: AppId): Promise<void> {
    this.#delays.skip(appId);
    await this.#cleanUps.retryOf(appId);
    await this.clearCache(appId);
    await this.#context.layers.forget(appId);
  }

  reusable(): Promise<ReadonlySet<Digest>> {
    return this.#context.layers.remembered();
  }

  layersInUse(): ReadonlySet<Digest> {
    return new Set([...this.#layersInUse.values()].flat());
  }

  async settled(): Promise<void> {
    await this.#delays.runWithoutDelays(() => this.#cleanUps.settled());
  }

  #cleanUp(appId: AppId, taskId: string, work: () => Promise<void>): void {
    let isFirstTry = true;
    const paused = async (): Promise<void> => {
      if (isFirstTry) await this.#delays.delay(appId, CLEAN_UP_PAUSE_MS);
      isFirstTry = false;
      await work();
    };
    const done = this.#cleanUps.start(
      join(this.#context.config.tasksDir, taskId),
      () => this.#queue.run(appId, paused),
      appId,
    );
    void done.finally(() => this.#layersInUse.delete(taskId));
  }
}

async function removeSandbox(sandbox: BuildRunnerDeps['sandbox'], id: string): Promise<void> {
  await sandbox.destroy(id);
  await sandbox.forget(id);
}
