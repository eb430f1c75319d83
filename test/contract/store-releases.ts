import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import { parseUserName } from '../../shared/domain/names.ts';
import { RELEASE_OUTPUT_BYTES_MAX } from '../../controller/store/release-output.ts';
import { addApp, addUser, newRelease, noChange } from '../support/store-fixtures.ts';

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
}
