import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AppLifetimes } from '../../../../controller/release/app-lifetimes.ts';
import type { ReleasePhase } from '../../../../controller/release/release-phase.ts';
import { Releases, type ReleasesDeps } from '../../../../controller/release/releases.ts';
import type { App } from '../../../../controller/domain/apps.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../../../shared/kit/keyed-queue.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { addApp, addUser, newRelease, noChange, openMemoryStore } from '../../../support/store-fixtures.ts';

const FAILURE = { code: 'SLIP_RELEASE_PHASE', message: 'The release command ended with exit code 1.' };

interface Lab {
  readonly store: Store;
  readonly app: App;
  readonly releases: Releases;
  /** Versions that were rolled out. */
  readonly rolledOut: number[];
}

/** Releases over a real store. A rollout succeeds at once. */
async function lab(phase?: ReleasePhase): Promise<Lab> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const rolledOut: number[] = [];
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
  const releases = new Releases({
    ...{ store, rollouts, phase, queue: new KeyedQueue(), lifetimes: new AppLifetimes(), failpoint: noFailpoint },
    bakeWatcher: { watch: () => Promise.resolve() },
    history: { grown: () => undefined },
    log: silentLogger,
    signal: new AbortController().signal,
  });
  return { store, app, releases, rolledOut };
}

it('runs the release phase before the rollout, while the release is pending', async () => {
  const seen: string[] = [];
  const { app, store, releases, rolledOut } = await lab({
    run: async (_app, { version }) => {
      seen.push(`v${String(version)} ${(await store.release(app.id, version))?.state ?? ''}`);
      return undefined;
    },
  });
  const { outcome } = await releases.create(app, newRelease(app));
  assert.deepEqual([outcome.ok, seen, rolledOut], [true, ['v1 pending'], [1]]);
});

it('fails the release when its phase fails or throws, and starts nothing of it', async () => {
  let phase: ReleasePhase['run'] = () => Promise.resolve(FAILURE);
  const { app, store, releases, rolledOut } = await lab({ run: (...args) => phase(...args) });
  const { outcome } = await releases.create(app, newRelease(app));
  assert.deepEqual([outcome.ok, rolledOut], [false, []]);
  assert.deepEqual((await store.release(app.id, 1))?.failure, FAILURE);
  phase = () => Promise.reject(new Error('the node is gone'));
  assert.equal((await releases.create(app, newRelease(app))).outcome.ok, false);
  assert.equal((await store.release(app.id, 2))?.state, 'failed');
});

it('calls the phase again after a crash for a release that is still pending, and not for one that a newer release overtook', async () => {
  const seen: number[] = [];
  const { app, store, releases } = await lab({
    run: (_app, { version }) => {
      seen.push(version);
      return Promise.resolve(undefined);
    },
  });
  await store.createRelease(newRelease(app));
  const newer = await store.createRelease(newRelease(app));
  await store.beginRollout(app.id, newer.version, noChange);
  await store.completeRollout(app.id, newer.version, noChange);
  await store.createRelease(newRelease(app));
  await releases.resume([app], () => Promise.resolve());
  assert.deepEqual(seen, [3]);
  assert.equal((await store.release(app.id, 1))?.failure?.code, 'SLIP_RELEASE_OVERTAKEN');
});
