import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId, Digest } from '../../shared/domain/ids.ts';
import type { BuildResult, BuildTask } from '../../shared/domain/build.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { describeCauses } from '../../shared/kit/errors.ts';
import { withBuilderDisk } from './builder-disk.ts';
import { BuildCaches } from './caches.ts';
import type { BuildContext, BuildRunnerDeps } from './context.ts';
import type { BuildRunnerConfig } from './config.ts';
import type { BuildIo, BuildRunner } from './port.ts';
import { BuildRun } from './run-build.ts';

/** What the agent's composition root uses beyond the port. */
export interface NodeBuildRunner extends BuildRunner {
  /** Removes what an earlier life of the agent left behind. First of all at start. */
  sweep(): Promise<void>;
  /** Apps whose build cache is on this node. */
  cachedAppIds(): Promise<readonly string[]>;
  clearCache(appId: AppId): Promise<void>;
  /** Layers that running builds stand on or have just made: not to be collected. */
  layersInUse(): ReadonlySet<Digest>;
  /** Resolves when no clean-up is under way. */
  settled(): Promise<void>;
}

export function createBuildRunner(config: BuildRunnerConfig, deps: BuildRunnerDeps): NodeBuildRunner {
  return new SandboxBuildRunner(config, deps);
}

class SandboxBuildRunner implements NodeBuildRunner {
  readonly #context: BuildContext;
  /** One build of an app at a time: they share its cache. */
  readonly #queue = new KeyedQueue();
  readonly #cleanups = new Set<Promise<void>>();
  readonly #layersInUse = new Map<string, readonly Digest[]>();

  constructor(config: BuildRunnerConfig, deps: BuildRunnerDeps) {
    this.#context = {
      ...deps,
      config,
      caches: new BuildCaches({ root: config.cacheDir, limit: config.cacheLimit, mounted: config.mountCaches }, deps.run),
      useLayers: (taskId, layers) => {
        const before = this.#layersInUse.get(taskId) ?? [];
        this.#layersInUse.set(taskId, [...before, ...layers.map((layer) => layer.digest)]);
      },
      background: (appId, taskId, work) => this.#cleanUp(appId, taskId, work),
    };
  }

  run(task: BuildTask, io: BuildIo): Promise<BuildResult> {
    const build = (): Promise<BuildResult> => new BuildRun(this.#context, task, io).run();
    return this.#queue.run(task.appId, () => withBuilderDisk(this.#context.config.tasksDir, build));
  }

  async sweep(): Promise<void> {
    const { sandbox, config, caches } = this.#context;
    for (const { id, purpose } of await sandbox.list()) {
      if (purpose !== 'build') continue;
      await sandbox.destroy(id);
      await sandbox.forget(id);
    }
    const leftovers = await readdir(config.tasksDir).catch(() => []);
    await Promise.all(leftovers.map((name) => rm(join(config.tasksDir, name), { recursive: true, force: true })));
    await caches.sweep();
  }

  cachedAppIds(): Promise<readonly string[]> {
    return this.#context.caches.appIds();
  }

  clearCache(appId: AppId): Promise<void> {
    return this.#queue.run(appId, () => this.#context.caches.clear(appId));
  }

  layersInUse(): ReadonlySet<Digest> {
    return new Set([...this.#layersInUse.values()].flat());
  }

  async settled(): Promise<void> {
    while (this.#cleanups.size > 0) await Promise.all(this.#cleanups);
  }

  #cleanUp(appId: AppId, taskId: string, work: () => Promise<void>): void {
    const done = this.#queue.run(appId, work).catch((error: unknown) => {
      this.#context.log.warn({ appId, taskId, cause: describeCauses(error) }, 'a finished build could not be cleaned up');
    });
    this.#cleanups.add(done);
    void done.finally(() => {
      this.#cleanups.delete(done);
      this.#layersInUse.delete(taskId);
    });
  }
}
