import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../controller/domain/apps.ts';
import type { Store } from '../../controller/store/port.ts';
import { parseUserName } from '../../shared/domain/names.ts';
import { RELEASE_OUTPUT_BYTES_MAX } from '../../controller/store/release-output.ts';
import { revealAll } from '../../shared/kit/sensitive.ts';
import { addApp, addUser, newRelease, noChange, slugOf } from '../support/store-fixtures.ts';

/** What belongs to a release beside its row. */
export function releaseExtraCases(get: () => Store): void {
  it('keeps the cause of a release and the release that it has its slug from', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    await get().createRelease(newRelease(app));
    const back = await get().createRelease(newRelease(app, { cause: 'rollback', sourceVersion: 1 }));
    assert.deepEqual([back.cause, back.sourceVersion, back.pinned], ['rollback', 1, false]);
    const [line] = await get().releaseLines(app.id, { limit: 1 });
    assert.deepEqual([line?.cause, line?.sourceVersion, line?.pinned], ['rollback', 1, false]);
  });

  it('appends to the output of a release up to the limit, and removes it with the app', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const { version } = await get().createRelease(newRelease(app));
    assert.equal(await get().releaseOutput(app.id, version), undefined);
    await get().appendReleaseOutput(app.id, version, 'migrating\n');
    await get().appendReleaseOutput(app.id, version, 'done: é\n');
    assert.equal(await get().releaseOutput(app.id, version), 'migrating\ndone: é\n');
    for (let more = 0; more < 3; more += 1)
      await get().appendReleaseOutput(app.id, version, 'x'.repeat(RELEASE_OUTPUT_BYTES_MAX / 2));
    const kept = (await get().releaseOutput(app.id, version)) ?? '';
    assert.ok(kept.length < RELEASE_OUTPUT_BYTES_MAX + 100);
    assert.match(kept, /limit is 1 MB\.\]\n$/);
    await get().failRelease(app.id, version, { code: 'SLIP_X', message: 'no' }, noChange);
    await get().destroyApp(app.id, parseUserName('ada'));
    assert.equal(await get().releaseOutput(app.id, version), undefined);
  });

  it('gives up the slugs that an app does not keep, and plans it for all apps before', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    for (const letter of ['a', 'b', 'c', 'd']) await serve(get(), app, letter);
    await get().pinRelease(app.id, 1, true);
    await get().setSlugsKept(app.id, 1);
    assert.equal((await get().appById(app.id))?.releasesKept, 1);
    const { removals, inUse } = await get().planSlugRemovals();
    assert.deepEqual(
      removals.map(({ app: name, releases }) => [name, releases.map(({ version }) => version)]),
      [['hello', [2]]],
    );
    assert.equal(await get().removeSlugs(app.id), 1);
    assert.deepEqual(await get().imagesInUse(), inUse);
    const kept = await get().keptReleases(app.id);
    assert.deepEqual(
      kept.map(({ version, pinned, digests }) => [version, pinned, digests.length]),
      [
        [1, true, 1],
        [2, false, 0],
        [3, false, 1],
        [4, false, 1],
      ],
    );
    await assert.rejects(get().pinRelease(app.id, 2, true), { code: 'SLIP_RELEASE_PRUNED' });
    await assert.rejects(get().pinRelease(app.id, 9, false), { code: 'SLIP_RELEASE_UNKNOWN' });
    await get().pinRelease(app.id, 1, false);
    await get().setSlugsKept(app.id, undefined);
    assert.equal((await get().appById(app.id))?.releasesKept, undefined);
    assert.equal(await get().removeSlugs(app.id), 0);
  });

  it('records the scripts of app.json that run after a release when it becomes current, and removes each at its end', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const slug = { ...slugOf('a'), scripts: { predeploy: 'p', setup: 's', postdeploy: 'd' } };
    const names = async (): Promise<readonly string[]> =>
      (await get().dueScripts(app.id)).map(({ version, script }) => `${script}.${String(version)}`);
    await get().createRelease(newRelease(app, { slug }));
    await get().failRelease(app.id, 1, { code: 'SLIP_X', message: 'No.' }, noChange);
    assert.deepEqual(await names(), []);
    for (const cause of ['deploy', 'config', 'promote', 'rollback'] as const) {
      const { version } = await get().createRelease(newRelease(app, { slug, cause }));
      await get().beginRollout(app.id, version, noChange);
      await get().completeRollout(app.id, version, noChange);
    }
    assert.deepEqual(await names(), ['setup.2', 'postdeploy.2', 'postdeploy.4']);
    const event = { kind: 'release.script-failed', actor: 'controller', app: app.name, message: 'It failed.' };
    const ended = { appId: app.id, version: 2, script: 'postdeploy' } as const;
    await get().endDueScript(ended, event);
    await get().endDueScript(ended, event);
    assert.deepEqual(await names(), ['setup.2', 'postdeploy.4']);
    const events = await get().events({ appId: app.id, limit: 20 });
    assert.equal(events.filter(({ kind }) => kind === event.kind).length, 1);
    await get().destroyApp(app.id, parseUserName('ada'));
    assert.deepEqual(await names(), []);
  });

  it('sets the config vars of the app to those of a rollback when it becomes current', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    await serve(get(), app, 'a');
    await get().setConfig(app.id, { SECRET: 'other', NEW: '1' });
    const { version } = await get().createRelease(newRelease(app, { cause: 'rollback', sourceVersion: 1 }));
    await get().beginRollout(app.id, version, noChange);
    assert.deepEqual(revealAll(await get().config(app.id)), { NEW: '1', SECRET: 'other' });
    await get().completeRollout(app.id, version, noChange);
    assert.deepEqual(revealAll(await get().config(app.id)), { SECRET: 's3cret' });
  });
}

async function serve(store: Store, app: App, letter: string): Promise<void> {
  const { version } = await store.createRelease(newRelease(app, { slug: slugOf(letter) }));
  await store.beginRollout(app.id, version, noChange);
  await store.completeRollout(app.id, version, noChange);
}
