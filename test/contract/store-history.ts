import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../controller/domain/apps.ts';
import type { Store } from '../../controller/store/port.ts';
import { BUILDS_KEPT, RELEASES_KEPT } from '../../shared/domain/history.ts';
import type { BuildId } from '../../shared/domain/ids.ts';
import { addApp, addNode, addUser, assignment, newRelease, noChange, slugOf } from '../support/store-fixtures.ts';

const COMMIT = 'c'.repeat(40);
const FAILURE = { code: 'SLIP_X', message: 'It failed.' };

async function endedBuild(store: Store, app: App): Promise<BuildId> {
  const { id } = await store.createBuild({ appId: app.id, userId: app.ownerId, commit: COMMIT });
  await store.setBuildState(id, 'failed', { failure: FAILURE });
  return id;
}

async function failedReleases(store: Store, app: App, count: number): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    const { version } = await store.createRelease(newRelease(app));
    await store.failRelease(app.id, version, FAILURE, noChange);
  }
}

async function serve(store: Store, app: App, buildId?: BuildId): Promise<number> {
  const { version } = await store.createRelease(
    newRelease(app, { slug: slugOf('d'), ...(buildId === undefined ? {} : { buildId }) }),
  );
  await store.beginRollout(app.id, version, noChange);
  await store.completeRollout(app.id, version, noChange);
  return version;
}

/** The history of an app has a limited length. */
export function historyCases(get: () => Store): void {
  it('removes the oldest releases and builds that nothing needs, and uses no number twice', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const other = await addApp(get(), app.ownerId, 'other');
    await serve(get(), other);
    const node = await addNode(get());
    const built = await endedBuild(get(), app);
    await failedReleases(get(), app, 2);
    const warm = await serve(get(), app);
    await get().changeAssignments({
      ...noChange,
      add: [assignment({ nodeId: node.id, appId: app.id, release: warm, desired: 'standby' })],
    });
    const [last, current] = [await serve(get(), app), await serve(get(), app, built)];
    for (let made = 0; made < RELEASES_KEPT; made += 1) await get().createRelease(newRelease(app));
    const builds = [built];
    builds.push(await endedBuild(get(), app));
    for (let made = 0; made < BUILDS_KEPT; made += 1)
      await get().createBuild({ appId: app.id, userId: app.ownerId, commit: COMMIT });

    assert.equal(await get().trimReleases(app.id), 2);
    assert.equal(await get().trimReleases(app.id), 0);
    const versions = (await get().releaseLines(app.id, { limit: 1000 })).map(({ version }) => version).reverse();
    assert.deepEqual(versions.slice(0, 4), [warm, last, current, current + 1]);
    assert.equal(versions.length, RELEASES_KEPT + 3);
    assert.equal((await get().currentRelease(app.id))?.version, current);
    assert.equal((await get().createRelease(newRelease(app))).version, current + RELEASES_KEPT + 1);

    const old = await get().buildsToTrim(app.id);
    assert.deepEqual(old, builds.slice(1, 2), 'the build of the current release stays');
    await get().removeBuilds([...old, built]);
    assert.equal(await get().build(old[0]!), undefined);
    assert.deepEqual(await get().buildsToTrim(app.id), []);
    assert.equal((await get().builds(app.id, 1000)).length, BUILDS_KEPT + 1);
    assert.equal((await get().releaseLines(other.id, { limit: 10 })).length, 1);
  });
}
