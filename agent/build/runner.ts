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

/** What only the composition root of the agent uses. */
export interface NodeBuildRunner extends BuildRunner {
  /** Removes the files that an earlier run of the agent left. Call it first at the start. Failed removals are tried again later. */
  sweep(): Promise<void>;
  /** @throws SLIP_BUILD_LEFTOVERS while files of a build cannot be removed */
  checkLeftovers(): void;
  /** Apps whose build cache is on this node. */
  cachedAppIds(): Promise<readonly string[]>;
  clearCache(appId: AppId): Promise<void>;
  /** Descriptions of everything that builds of the app left: a cache, pending clean-ups, the list of its layers. */
  leftOf(appId: AppId): Promise<readonly string[]>;
  /** Removes what {@link leftOf} describes. It waits for a running build of the app. */
  removeApp(appId: AppId): Promise<void>;
  /** Layers that later builds of apps can reuse. */
  reusable(): Promise<ReadonlySet<Digest>>;
  /** Layers that running builds use or have made. They must not be garbage collected. */
  layersInUse(): ReadonlySet<Digest>;
  /** Resolves when no clean-up runs. */
  settled(): Promise<void>;
}

export function createBuildRunner(config: BuildRunnerConfig, deps: BuildRunnerDeps): NodeBuildRunner {
  return new SandboxBuildRunner(config, deps);
}

/** Delays the clean-up, because its programs would slow down the start of the app on this node. */
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
    return this.#queue.enqueue(task.appId, async () => {
      await requireBuilderDisk(this.#context.config.tasksDir);
      return await new BuildRun(this.#context, task, io).build();
    });
  }

  /** Removes sandboxes first, because they use the folders. A failed removal does not stop the others. */
  async sweep(): Promise<void> {
    const { sandbox, config, caches, run } = this.#context;
    for (const { id, purpose } of await sandbox.list()) {
      if (purpose === 'build') await this.#cleanUps.start(`sandbox ${id}`, () => removeSandbox(sandbox, id));
    }
    for (const name of await readdir(config.tasksDir).catch(() => [])) {
      const folder = join(config.tasksDir, name);
      void this.#cleanUps.start(folder, () => removeTaskFolder(folder, run)); // in the background, because a hostile tree takes long and no build needs this folder
    }
    // In the queue of the app, so that a retry does not unmount the cache of a running build.
    for (const appId of await caches.mountedAppIds())
      await this.#cleanUps.start(
        `build cache of ${appId}`,
        () => this.#queue.enqueue(appId, () => caches.close(appId)),
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
    return this.#queue.enqueue(appId, () => this.#context.caches.clear(appId));
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
      () => this.#queue.enqueue(appId, paused),
      appId,
    );
    void done.finally(() => this.#layersInUse.delete(taskId));
  }
}

async function removeSandbox(sandbox: BuildRunnerDeps['sandbox'], id: string): Promise<void> {
  await sandbox.destroy(id);
  await sandbox.forget(id);
}
