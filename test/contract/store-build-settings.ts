import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import { addApp, addUser } from '../support/store-fixtures.ts';

/** Which folder of an app is built, and by which buildpacks. */
export function buildSettingsCases(get: () => Store): void {
  it('keeps the build settings of each app apart, and takes them back to nothing', async () => {
    const ada = await addUser(get());
    const [app, other] = [await addApp(get(), ada.id, 'app'), await addApp(get(), ada.id, 'other')];
    assert.deepEqual(await get().buildSettings(app.id), { buildpacks: [] });
    const set = { root: 'services/api', buildpacks: ['heroku/nodejs', './bp'] };
    assert.deepEqual(await get().changeBuildSettings(app.id, () => set), set);
    assert.deepEqual(await get().buildSettings(app.id), set);
    assert.deepEqual(await get().buildSettings(other.id), { buildpacks: [] });
    await get().changeBuildSettings(app.id, ({ buildpacks }) => ({ buildpacks: buildpacks.slice(1) }));
    assert.deepEqual(await get().buildSettings(app.id), { root: undefined, buildpacks: ['./bp'] });
  });

  it('loses no change of build settings when several come at once, and keeps all when one is refused', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const adds = Array.from({ length: 8 }, (_, at) =>
      get().changeBuildSettings(app.id, (now) => {
        if (at === 3) throw new Error('refused');
        return { ...now, buildpacks: [...now.buildpacks, `b/${String(at)}`] };
      }),
    );
    const ends = await Promise.allSettled(adds);
    assert.equal(ends.filter((end) => end.status === 'rejected').length, 1);
    assert.equal((await get().buildSettings(app.id)).buildpacks.length, 7);
  });

  it('keeps the limits of builds and the number of the cache beside the other settings', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const limits = { memoryBytes: 4 * 1024 ** 3, timeoutMs: 60_000 };
    const set = { root: 'api', buildpacks: [], limits, cacheNumber: 2 };
    assert.deepEqual(await get().changeBuildSettings(app.id, () => set), set);
    await get().changeBuildSettings(app.id, (now) => ({ ...now, root: undefined }));
    assert.deepEqual(await get().buildSettings(app.id), { root: undefined, buildpacks: [], limits, cacheNumber: 2 });
    const reset = { memoryBytes: undefined, timeoutMs: undefined };
    await get().changeBuildSettings(app.id, (now) => ({ ...now, limits: { ...now.limits, ...reset } }));
    assert.deepEqual(await get().buildSettings(app.id), { root: undefined, buildpacks: [], cacheNumber: 2 });
  });
}
