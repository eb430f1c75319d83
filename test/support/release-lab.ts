import { UnusedImages } from '../../controller/build/unused-images.ts';
import type { App } from '../../controller/domain/apps.ts';
import { AppLifetimes } from '../../controller/release/app-lifetimes.ts';
import { DeployAborts } from '../../controller/release/deploy-aborts.ts';
import type { ReleasePhase } from '../../controller/release/release-phase.ts';
import { Releases, type ReleasesDeps } from '../../controller/release/releases.ts';
import { Rollbacks } from '../../controller/release/rollbacks.ts';
import type { Store } from '../../controller/store/port.ts';
import type { Digest } from '../../shared/domain/ids.ts';
import { noFailpoint } from '../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { addApp, addUser, noChange, openMemoryStore } from './store-fixtures.ts';

export interface ReleaseLab {
  readonly aborts: DeployAborts;
  readonly store: Store;
  readonly app: App;
  readonly queue: KeyedQueue;
  readonly releases: Releases;
  readonly rollbacks: Rollbacks;
  readonly unusedImages: UnusedImages;
  /** The images on the disk of the controller. */
  readonly images: Set<Digest>;
  /** Versions that were rolled out. */
  readonly rolledOut: number[];
}

/** Releases and rollbacks over a real store in memory. A rollout succeeds at once. */
export async function openReleaseLab(
  phase?: ReleasePhase,
  /** Runs after each look at the disk. */
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<ReleaseLab> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const [queue, images, rolledOut] = [new KeyedQueue(), new Set<Digest>(), [] as number[]];
  const rollouts: ReleasesDeps['rollouts'] = {
    rollOut: async (_app, { version }) => {
      rolledOut.push(version);
      await store.beginRollout(app.id, version, noChange);
      await store.completeRollout(app.id, version, noChange);
      return { ok: true, nodes: 1, switchedAtMs: 0, timingsMs: {} };
    },
    fail: async ({ version }, failure) => {
      await store.failRelease(app.id, version, failure, noChange);
      return { ok: false, failure };
    },
    syncRef: () => Promise.resolve(undefined),
  };
  const aborts = new DeployAborts();
  const releases = new Releases({
    ...{ store, rollouts, phase, queue, lifetimes: new AppLifetimes(), failpoint: noFailpoint },
    aborts,
    postDeploy: { resume: () => Promise.resolve(() => Promise.resolve()) },
    bakeWatcher: { watch: () => Promise.resolve() },
    history: { grown: () => undefined },
    log: silentLogger,
    signal: new AbortController().signal,
  });
  const disk = {
    list: async () => {
      const listed = [...images];
      await pause();
      return listed;
    },
    sizeBytes: () => Promise.resolve(100),
    removeNow: (digests: readonly Digest[]) => digests.forEach((digest) => images.delete(digest)),
  };
  const unusedImages = new UnusedImages({ store, images: disk });
  const hasImage = async (digest: Digest): Promise<boolean> => {
    const has = images.has(digest);
    await pause();
    return has;
  };
  const rollbacks = new Rollbacks({ store, releases, queue, unusedImages, hasImage });
  return { store, app, queue, releases, rollbacks, unusedImages, images, rolledOut, aborts };
}
