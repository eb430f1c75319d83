import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import { FORMER_NAMES_MAX } from '../../controller/domain/apps.ts';
import { PAGE_BYTES_MAX } from '../../shared/domain/fleet-routes.ts';
import { PAGES_BYTES_MAX } from '../../shared/domain/fleet-routes-size.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import { addApp, addNode, addUser, assignment, newRelease, noChange } from '../support/store-fixtures.ts';

const BY = { by: 'ada' };
const name = parseAppName;

/** Decisions about a whole app: its name, what is stopped, and who locked its deploys. */
export function appLifeCases(get: () => Store): void {
  it('renames an app with its domains and instances, and raises the generation of their nodes', async () => {
    const app = await addApp(get(), (await addUser(get())).id, 'shop');
    const [runs, idle] = [await addNode(get(), 'n1'), await addNode(get(), 'n2')];
    await get().createRelease(newRelease(app));
    await get().addDomain(app.id, 'www.example.com');
    await get().beginRollout(app.id, 1, {
      ...noChange,
      add: [assignment({ nodeId: runs.id, appId: app.id, release: 1 })],
    });
    const { app: renamed, nodes } = await get().renameApp(app.id, name('store'), BY);
    assert.deepEqual(renamed, { ...app, name: 'store' });
    assert.deepEqual(nodes, [runs.id]);
    const generationOf = async (serial: string) => (await get().nodeBySerial(serial))?.generation;
    assert.equal(await generationOf(runs.certificateSerial), 2);
    assert.equal(await generationOf(idle.certificateSerial), 0);
    assert.equal(await get().appByName(name('shop')), undefined);
    assert.deepEqual((await get().routedApps(app.id))[0]?.domains, ['www.example.com']);
    const other = await addApp(get(), app.ownerId, 'other');
    await get().createRelease(newRelease(other));
    await get().beginRollout(other.id, 1, noChange);
    await get().completeRollout(other.id, 1, noChange);
    assert.deepEqual(
      (await get().routedApps(app.id)).map((each) => each.app),
      ['store'],
    );
    const [event] = await get().events({ appId: app.id, limit: 1 });
    assert.equal(event?.kind, 'app.renamed');
    assert.equal(event.actor, 'ada');
  });

  it('keeps a former name for its app: nobody else gets it, and work with that name is still about the app', async () => {
    const ada = await addUser(get());
    const app = await addApp(get(), ada.id, 'shop');
    await get().renameApp(app.id, name('store'), BY);
    assert.equal((await get().appByFormerName(name('shop')))?.name, 'store');
    await assert.rejects(addApp(get(), ada.id, 'shop'), { code: 'SLIP_APP_EXISTS' });
    const other = await addApp(get(), ada.id, 'other');
    await assert.rejects(get().renameApp(other.id, name('shop'), BY), { code: 'SLIP_APP_EXISTS' });
    await assert.rejects(get().renameApp(other.id, name('store'), BY), { code: 'SLIP_APP_EXISTS' });
    await assert.rejects(get().renameApp(app.id, name('store'), BY), { code: 'SLIP_APP_SAME_NAME' });
    assert.equal((await get().appById(other.id))?.name, 'other');
    await get().addEvent({ kind: 'x.late', actor: 'controller', app: 'shop', message: 'late' });
    assert.equal((await get().events({ appId: app.id, limit: 1 }))[0]?.kind, 'x.late');
    await get().renameApp(app.id, name('shop'), BY);
    assert.equal(await get().appByFormerName(name('shop')), undefined);
    assert.equal((await get().appByFormerName(name('store')))?.name, 'shop');
  });

  it('keeps few former names of an app, and none of a destroyed app', async () => {
    const ada = await addUser(get());
    const app = await addApp(get(), ada.id, 'name-0');
    for (let at = 1; at <= FORMER_NAMES_MAX + 2; at += 1) await get().renameApp(app.id, name(`name-${String(at)}`), BY);
    const former = await Promise.all(
      Array.from({ length: FORMER_NAMES_MAX + 2 }, (_, at) => get().appByFormerName(name(`name-${String(at)}`))),
    );
    assert.equal(former.filter((each) => each !== undefined).length, FORMER_NAMES_MAX);
    await get().destroyApp(app.id, ada.name);
    assert.equal(await get().appByFormerName(name('name-5')), undefined);
    await addApp(get(), ada.id, 'name-5');
  });

  it('stops and starts process types, and tells of it', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    assert.equal(app.stopped, undefined);
    const stop = { ...BY, event: { kind: 'app.stopped', message: 'Stopped worker.' } } as const;
    assert.deepEqual((await get().setStopped(app.id, ['worker'], stop)).stopped, ['worker']);
    assert.equal((await get().setStopped(app.id, 'all', stop)).stopped, 'all');
    assert.equal((await get().appByName(app.name))?.stopped, 'all');
    const start = { ...BY, event: { kind: 'app.started', message: 'Started.' } } as const;
    assert.equal((await get().setStopped(app.id, undefined, start)).stopped, undefined);
    const kinds = (await get().events({ appId: app.id, limit: 3 })).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['app.started', 'app.stopped', 'app.stopped']);
  });

  it('locks the deploys of an app with a reason, and unlocks them', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const { lock } = await get().setLock(app.id, { why: 'migration', by: 'ada' }, BY);
    assert.equal(lock?.why, 'migration');
    assert.equal(lock.by, 'ada');
    assert.ok(lock.atMs > 0);
    assert.equal((await get().setLock(app.id, undefined, BY)).lock, undefined);
    const kinds = (await get().events({ appId: app.id, limit: 2 })).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['app.unlocked', 'app.locked']);
  });

  it('keeps the maintenance of an app with its page, and all pages together below a limit', async () => {
    const ada = await addUser(get());
    const app = await addApp(get(), ada.id);
    await get().createRelease(newRelease(app));
    await get().beginRollout(app.id, 1, noChange);
    await get().completeRollout(app.id, 1, noChange);
    const routed = async () => (await get().routedApps(app.id))[0]?.maintenance;
    assert.equal(app.maintenance, false);
    assert.equal(await routed(), undefined);
    assert.equal((await get().setMaintenance(app.id, {}, BY)).maintenance, true);
    assert.deepEqual(await routed(), {});
    const page = 'ü'.repeat(PAGE_BYTES_MAX / 2);
    await get().setMaintenance(app.id, { page }, BY);
    assert.deepEqual(await routed(), { page });
    assert.equal(await get().maintenancePageBytes(app.id), PAGE_BYTES_MAX);
    const others = PAGES_BYTES_MAX / PAGE_BYTES_MAX - 1;
    for (let at = 0; at < others; at += 1)
      await get().setMaintenance((await addApp(get(), ada.id, `other-${String(at)}`)).id, { page }, BY);
    const last = await addApp(get(), ada.id, 'last');
    await assert.rejects(get().setMaintenance(last.id, { page: 'x' }, BY), { code: 'SLIP_MAINTENANCE_PAGES' });
    assert.equal((await get().appById(last.id))?.maintenance, false);
    await get().setMaintenance(app.id, { page }, BY);
    await get().setMaintenance(app.id, undefined, BY);
    assert.equal(await get().maintenancePageBytes(app.id), undefined);
    assert.equal(await routed(), undefined);
    await get().setMaintenance(last.id, { page: 'x' }, BY);
    const kinds = (await get().events({ appId: app.id, limit: 2 })).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['maintenance.off', 'maintenance.on']);
  });
}
