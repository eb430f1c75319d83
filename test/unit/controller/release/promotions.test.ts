import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Promotions, type PromotionsDeps } from '../../../../controller/release/promotions.ts';
import type { App } from '../../../../controller/domain/apps.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { KeyedQueue } from '../../../../shared/kit/keyed-queue.ts';
import { revealAll } from '../../../../shared/kit/sensitive.ts';
import { parseAppName, parseUserName } from '../../../../shared/domain/names.ts';
import {
  addApp,
  addUser,
  digestOf,
  newRelease,
  noChange,
  openMemoryStore,
  slugOf,
} from '../../../support/store-fixtures.ts';

interface Lab {
  readonly store: Store;
  readonly staging: App;
  readonly live: App;
  readonly promotions: Promotions;
}

/** Two apps over a real store; the first has a current release. Rollouts succeed at once. */
async function lab(change: Partial<PromotionsDeps> = {}): Promise<Lab> {
  const store = await openMemoryStore();
  const owner = await addUser(store);
  const [staging, live] = [await addApp(store, owner.id, 'staging'), await addApp(store, owner.id, 'live')];
  const createOrFail: PromotionsDeps['releases']['createOrFail'] = async (app, wanted) => {
    const { version } = await store.createRelease(wanted);
    await store.beginRollout(app.id, version, noChange);
    await store.completeRollout(app.id, version, noChange);
    return (await store.release(app.id, version))!;
  };
  const promotions = new Promotions({
    ...{ store, releases: { createOrFail }, queue: new KeyedQueue(), hasImage: () => Promise.resolve(true) },
    postDeploy: { run: () => Promise.resolve([]) },
    unusedImages: { during: (work) => work(), note: () => undefined },
    ...change,
  });
  const slug = { ...slugOf('a', 'b'), defaultConfig: { NODE_ENV: 'production', GREETING: 'default' } };
  await createOrFail(staging, newRelease(staging, { slug }), '');
  return { store, staging, live, promotions };
}

it('releases the same slug in the other app, with the config of that app and what the slug suggests', async () => {
  const { store, staging, live, promotions } = await lab();
  await store.setConfig(live.id, { GREETING: 'live' });
  const done = await promotions.promote(staging.ownerId, { from: staging, to: live });
  assert.deepEqual(done, { version: 1, from: 1, commit: 'c'.repeat(40), failedScripts: [] });
  const release = (await store.currentRelease(live.id))!;
  assert.deepEqual(release.slug, (await store.currentRelease(staging.id))?.slug);
  assert.deepEqual(revealAll(release.config), { GREETING: 'live', NODE_ENV: 'production' });
  assert.deepEqual(
    [release.cause, release.sourceVersion, release.description, release.ref, release.buildId],
    ['promote', 1, 'Promote staging v1 ccccccc', undefined, undefined],
  );
});

it('keeps the images for the other app when the first app is destroyed', async () => {
  const { store, staging, live, promotions } = await lab();
  await promotions.promote(staging.ownerId, { from: staging, to: live });
  await store.destroyApp(staging.id, parseUserName('ada'));
  assert.deepEqual(await store.imagesInUse(), new Set([digestOf('a'), digestOf('b')]));
});

it('refuses the same app, an app without a release, another stack, and a slug that the controller lost', async () => {
  const { store, staging, live, promotions } = await lab();
  const code = async (from: App, to: App, by = promotions): Promise<string> => {
    const error: unknown = await by.promote(from.ownerId, { from, to }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof Error && 'code' in error);
    return String(error.code);
  };
  assert.equal(await code(staging, staging), 'SLIP_PROMOTE_SAME');
  assert.equal(await code(live, staging), 'SLIP_PROMOTE_NO_RELEASE');
  const other = await store.createApp({ name: parseAppName('other'), ownerId: staging.ownerId, stack: 'debian-12' });
  assert.equal(await code(staging, other), 'SLIP_PROMOTE_STACK');
  const lossy = await lab({ hasImage: (digest) => Promise.resolve(digest !== digestOf('b')) });
  assert.equal(await code(lossy.staging, lossy.live, lossy.promotions), 'SLIP_PROMOTE_SLUG');
  assert.equal(await store.currentRelease(live.id), undefined);
});

it('runs the scripts of app.json after the release, and says which failed', async () => {
  const failure = { code: 'SLIP_COMMAND_FAILED', message: 'scripts.postdeploy failed.' };
  const { staging, live, promotions } = await lab({ postDeploy: { run: () => Promise.resolve([failure]) } });
  const { version, failedScripts } = await promotions.promote(staging.ownerId, { from: staging, to: live });
  assert.deepEqual([version, failedScripts], [1, ['scripts.postdeploy failed.']]);
});
