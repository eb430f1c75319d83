import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import type { HealthChecks } from '../../shared/domain/health-check.ts';
import { addApp, addUser, newRelease } from '../support/store-fixtures.ts';

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
}
