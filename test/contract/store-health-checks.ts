import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NewRelease } from '../../controller/domain/releases.ts';
import type { Store } from '../../controller/store/port.ts';
import type { HealthChecks } from '../../shared/domain/health-check.ts';
import { addApp, addUser, newRelease, noChange } from '../support/store-fixtures.ts';

const TIMING = { initialDelayMs: 0, timeoutMs: 5_000, attempts: 3, waitMs: 5_000 };
const CHECKS: HealthChecks = {
  web: [{ ...TIMING, type: 'readiness', probe: 'http', path: '/up', headers: {} }],
  worker: [{ ...TIMING, type: 'liveness', probe: 'tcp', port: 9000 }],
};

/** The health checks that owners of apps set. */
export function healthCheckCases(get: () => Store): void {
  it('keeps the health checks of each app apart, and changes nothing when a change is refused', async () => {
    const ada = await addUser(get());
    const [app, other] = [await addApp(get(), ada.id, 'app'), await addApp(get(), ada.id, 'other')];
    assert.deepEqual(await get().healthChecks(app.id), {});
    assert.deepEqual(await get().changeHealthChecks(app.id, () => CHECKS), CHECKS);
    assert.deepEqual(await get().healthChecks(other.id), {});
    const refused = get().changeHealthChecks(app.id, () => {
      throw new Error('refused');
    });
    await assert.rejects(refused, /refused/);
    assert.deepEqual(await get().healthChecks(app.id), CHECKS);
    const { web } = await get().changeHealthChecks(app.id, ({ worker: _, ...rest }) => rest);
    assert.deepEqual([web, Object.keys(await get().healthChecks(app.id))], [CHECKS['web'], ['web']]);
  });

  it('keeps the health checks of its time with each release', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const first = await get().createRelease(newRelease(app));
    await get().changeHealthChecks(app.id, () => CHECKS);
    const slug = { ...newRelease(app).slug, checks: CHECKS };
    const second = await get().createRelease(newRelease(app, { slug }));
    await get().changeHealthChecks(app.id, () => ({}));
    assert.equal((await get().release(app.id, first.version))?.checks, undefined);
    const kept = await get().release(app.id, second.version);
    assert.deepEqual([kept?.checks, kept?.slug.checks], [CHECKS, CHECKS]);
    await get().destroyApp(app.id, (await get().users())[0]!.name);
    assert.deepEqual(await get().healthChecks(app.id), {});
  });
  it('makes the checks of a settings release and of a rollback those of the app when it is current, and not when it fails', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const before = { web: CHECKS['web']! };
    const roll = async (change: Partial<NewRelease>): Promise<number> => {
      const { version } = await get().createRelease(newRelease(app, change));
      await get().beginRollout(app.id, version, noChange);
      return version;
    };
    const complete = (version: number): Promise<void> => get().completeRollout(app.id, version, noChange);
    await get().changeHealthChecks(app.id, () => before);
    await complete(await roll({}));
    const failure = { code: 'SLIP_X', message: 'It failed.' };
    await get().failRelease(app.id, await roll({ cause: 'settings', checks: CHECKS }), failure, noChange);
    assert.deepEqual(await get().healthChecks(app.id), before);
    const third = await roll({ cause: 'settings', checks: CHECKS });
    assert.deepEqual(await get().healthChecks(app.id), before, 'the release is not current yet');
    await complete(third);
    assert.deepEqual(await get().healthChecks(app.id), CHECKS);
    assert.deepEqual((await get().release(app.id, await roll({})))?.checks, CHECKS, 'the next push has them');
    const back = await roll({ cause: 'rollback', checks: {} });
    await complete(back);
    assert.deepEqual(await get().healthChecks(app.id), {});
    await get().failRelease(app.id, back, failure, noChange, third);
    assert.deepEqual(await get().healthChecks(app.id), CHECKS, 'it failed in its bake');
  });
}
