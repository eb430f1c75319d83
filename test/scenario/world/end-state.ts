import assert from 'node:assert/strict';
import { LATE_MS } from '../../../controller/cron/plan.ts';
import type { App } from '../../../controller/domain/apps.ts';
import { newestTick } from '../../../shared/domain/cron-schedule.ts';
import { wantedCounts } from '../../../shared/domain/placement.ts';
import type { World } from './world.ts';

/** A tick waits this long for a node, and a command has this long for its end. */
const CRON_PATIENCE_MS = 11 * 60_000 + LATE_MS;

/** Checks that the fleet has reached the desired state, and that nothing is left of earlier states. */
export async function checkEndState(world: World): Promise<void> {
  assert.deepEqual(world.violations, [], 'a rule was broken');
  assert.deepEqual(await world.store.unfinishedReleases(), [], 'a release is neither current nor failed');
  for (const app of world.apps.values()) await checkApp(world, app);
  await checkCron(world);
  await checkMaintenance(world);
  const awaited = (await world.store.destroyedApps(1_000)).filter(({ freeAtMs }) => freeAtMs === undefined);
  assert.deepEqual(awaited, [], 'a node did not say that nothing is left of a destroyed app');
  const illegal = world.trace.lines.filter((line) => line.includes('reconcile.illegal_transition'));
  assert.deepEqual(illegal, [], 'an instance made a transition that is not in the table');
  const starts = [...world.machines.values()].flatMap(({ sandbox }) => sandbox.calls.filter(isStartOfCommand));
  assert.equal(new Set(starts).size, starts.length, 'a command was started twice');
  const instances = (await world.store.allAssignments()).map((row) => row.instanceId as string);
  const commands = (await world.store.unfinishedCommands()).map(({ id }) => id as string);
  const wanted = new Set([...instances, ...commands]);
  for (const machine of world.machines.values()) {
    const orphans = (await machine.sandbox.list())
      .filter((found) => !wanted.has(found.id))
      .map((found) => world.trace.nameOf(found.id));
    assert.deepEqual(orphans, [], `${machine.name} runs what nobody wants`);
    assert.ok(await machine.proxy.healthy(), `the proxy of ${machine.name} is down`);
  }
}

/** The ids of commands begin with `task`. */
function isStartOfCommand(call: string): boolean {
  return call.startsWith('start task');
}

/** Every tick was decided, and the end of every command is known. */
async function checkCron({ store, clock }: World): Promise<void> {
  const longAgoMs = clock.nowMs() - CRON_PATIENCE_MS;
  for (const { app, entry, decidedMs } of await store.readCronJobs())
    assert.ok(decidedMs >= (newestTick(entry, longAgoMs) ?? 0), `a tick of ${entry.name} of ${app.name} was forgotten`);
  const open = (await store.unfinishedCommands()).filter((row) => row.kind === 'cron' && row.createdAtMs < longAgoMs);
  assert.deepEqual(
    open.map(({ process }) => process),
    [],
    'the end of a command is not known',
  );
}

/** Every proxy has the last decision about maintenance. */
async function checkMaintenance({ apps, store, machines }: World): Promise<void> {
  for (const { id, name } of apps.values()) {
    const { maintenance = false } = (await store.appById(id)) ?? {};
    for (const machine of machines.values())
      for (const route of machine.proxy.routes().filter(({ app }) => app === name))
        assert.equal(
          route.maintenance !== undefined,
          maintenance,
          `${machine.name} does not know whether ${name} is in maintenance`,
        );
  }
}

async function checkApp(world: World, app: App): Promise<void> {
  const { store, trace, refs, machines } = world;
  const current = await store.currentRelease(app.id);
  const rows = await store.assignmentsOfApp(app.id);
  const found = rows.map((row) => `${trace.nameOf(row.instanceId)} ${row.desired}`).sort();
  if (current === undefined) {
    assert.deepEqual(found, [], `${app.name} has instances and no release`);
    return;
  }
  assert.equal(
    refs.get(app.id)?.split(' ')[1],
    current.slug.commit,
    `the ref of ${app.name} is not that of v${String(current.version)}`,
  );
  const slots = rows.map((row) => `${row.processType}.${String(row.ordinal)}`);
  assert.equal(new Set(slots).size, slots.length, `${app.name} has doubles: ${found.join(', ')}`);
  const stray = rows.filter((row) => row.release !== current.version || row.desired !== 'run');
  assert.deepEqual(
    stray.map((row) => `${trace.nameOf(row.instanceId)} ${row.desired}`),
    [],
    `left over of ${app.name}`,
  );
  assert.ok(
    Object.keys(wantedCounts(current.slug.processTypes, {})).length > 0 &&
      rows.some((row) => row.processType === 'web'),
    `${app.name} has no web`,
  );
  if (current.slug.processTypes['web']?.startsWith('crash') === true) return; // it comes and goes
  const statuses = new Map(
    [...machines.values()].flatMap((machine) => machine.statuses().map((status) => [status.instanceId, status.state])),
  );
  const down = rows
    .filter((row) => statuses.get(row.instanceId) !== 'live')
    .map((row) => `${trace.nameOf(row.instanceId)} ${statuses.get(row.instanceId) ?? 'unknown'}`);
  assert.deepEqual(down, [], `${app.name} is not up`);
  const serving = world
    .serving(app.name)
    .map((id) => trace.nameOf(id))
    .sort();
  const web = rows
    .filter((row) => row.processType === 'web')
    .map((row) => trace.nameOf(row.instanceId))
    .sort();
  assert.deepEqual(serving, web, `the traffic of ${app.name} does not reach all of its instances, or others`);
}
