import assert from 'node:assert/strict';
import { it } from 'node:test';
import { deployAborted } from '../../../../controller/release/deploy-aborts.ts';
import type { ReleasePhase } from '../../../../controller/release/release-phase.ts';
import { openReleaseLab } from '../../../support/release-lab.ts';
import { newRelease, noChange } from '../../../support/store-fixtures.ts';

const FAILURE = { code: 'SLIP_RELEASE_PHASE', message: 'The release command ended with exit code 1.' };

it('runs the release phase before the rollout, while the release is pending', async () => {
  const seen: string[] = [];
  const { app, store, releases, rolledOut } = await openReleaseLab({
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
  const { app, store, releases, rolledOut } = await openReleaseLab({ run: (...args) => phase(...args) });
  const { outcome } = await releases.create(app, newRelease(app));
  assert.deepEqual([outcome.ok, rolledOut], [false, []]);
  assert.deepEqual((await store.release(app.id, 1))?.failure, FAILURE);
  phase = () => Promise.reject(new Error('the node is gone'));
  assert.equal((await releases.create(app, newRelease(app))).outcome.ok, false);
  assert.equal((await store.release(app.id, 2))?.state, 'failed');
});

it('calls the phase again after a crash for a release that is still pending, and not for one that a newer release overtook', async () => {
  const seen: number[] = [];
  const { app, store, releases } = await openReleaseLab({
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

it('fails a release whose deploy was aborted in its phase, with the name of the user', async () => {
  const entered = Promise.withResolvers<undefined>();
  const { app, store, releases, rolledOut, aborts } = await openReleaseLab({
    run: async (_app, _release, { givenUp }) => {
      entered.resolve(undefined);
      await new Promise<void>((resolve) => givenUp?.addEventListener('abort', () => resolve()));
      return { code: 'SLIP_COMMAND_CANCELLED', message: 'The push was aborted.' };
    },
  });
  const made = releases.create(app, newRelease(app));
  await entered.promise;
  assert.equal(aborts.isRunning(app.id), true);
  assert.deepEqual(await aborts.abort(app.id, deployAborted('bob')), new Set(['deploy']));
  const failed = await store.release(app.id, 1);
  assert.equal(failed?.state, 'failed');
  assert.equal(failed.failure?.message, 'bob aborted the deploy.');
  assert.equal((await made).outcome.ok, false);
  assert.deepEqual(rolledOut, []);
  assert.deepEqual(await aborts.abort(app.id, deployAborted('bob')), new Set());
});
