import assert from 'node:assert/strict';
import type { AssignmentChange, AssignmentRow } from '../../../controller/domain/assignments.ts';
import type { Release } from '../../../controller/domain/releases.ts';
import type { AppRoutes } from '../../../agent/proxy/port.ts';
import type { Machine } from './machine.ts';
import type { Trace } from './trace.ts';

/** The rules that hold whatever fails. They are checked at every change of routes and releases. */

export interface Scene {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly trace: Trace;
  /** Instances of failed releases. Their traffic may end before another instance serves. */
  readonly failed: ReadonlySet<string>;
  /** Apps that may stop: scaled to zero, or stopped to make room. */
  readonly mayPause: ReadonlySet<string>;
  /** Apps that have had a current release. Before that an app is not up, although its instances may get traffic. */
  readonly released: ReadonlySet<string>;
}

export function checkRoutes(world: Scene, machine: Machine, before: readonly AppRoutes[]): void {
  for (const { app, backends } of machine.proxy.routes()) {
    for (const { id } of backends) {
      const startedAtMs = machine.startOf(id);
      if (startedAtMs === undefined) continue; // it ended while the proxy was being told
      const passed = machine.answered.has(`${id}@${String(startedAtMs)}`);
      assert.ok(passed, `${world.trace.nameOf(id)} gets traffic on ${machine.name} before its port has answered`);
    }
    if (world.mayPause.has(app) || !world.released.has(app)) continue;
    const had = liveBackends(machine, before, app).filter((id) => !world.failed.has(id)).length;
    const elsewhere = [...world.machines.values()].filter((each) => each !== machine);
    const left = servingOf(world, app).length;
    const others = elsewhere.flatMap((each) => liveBackends(each, each.proxy.routes(), app)).length;
    const isKept = left > 0 || had + others === 0 || elsewhere.some((each) => hasCrashed(each, app));
    assert.ok(isKept, `${app} lost its last live instance when ${machine.name} changed its routes`);
  }
}

/** The state of an app that the controller knows when it changes the assignments. */
export interface Wanted {
  readonly app: string;
  readonly rows: readonly AssignmentRow[];
  /** Wanted number of web instances. Undefined: one on every node, or no release yet. */
  readonly count: number | undefined;
  readonly isLive: (row: AssignmentRow) => boolean;
}

/** No decision leaves fewer serving instances than wanted, unless there were fewer before. */
export function checkChange(world: Scene, { app, rows, count, isLive }: Wanted, change: AssignmentChange): void {
  if (count === undefined || world.mayPause.has(app)) return;
  const wish = new Map(change.setDesired.map(({ instanceId, desired }) => [instanceId, desired]));
  const leaving = rows.filter(
    (row) => row.desired === 'run' && (wish.get(row.instanceId) ?? 'run') !== 'run' && isLive(row),
  );
  if (leaving.every((row) => row.processType !== 'web' || world.failed.has(row.instanceId))) return;
  const slots = (running: readonly AssignmentRow[]): number =>
    new Set(running.filter((row) => row.processType === 'web' && isLive(row)).map((row) => row.ordinal)).size;
  const before = slots(rows.filter((row) => row.desired === 'run'));
  const after = slots(rows.filter((row) => (wish.get(row.instanceId) ?? row.desired) === 'run'));
  const least = Math.min(before, count);
  assert.ok(
    after >= least,
    `${app} is left with ${String(after)} live web instances of ${String(count)} wanted; it had ${String(before)}`,
  );
}

/** @param releases newest first */
export function checkReleases(app: string, releases: readonly Release[]): void {
  const versions = releases.map((release) => release.version);
  const expected = releases.map((_, at) => releases.length - at);
  assert.deepEqual(versions, expected, `${app}: the numbers have gaps`);
  const current = releases.filter((release) => release.state === 'current');
  assert.ok(current.length <= 1, `${app} has ${String(current.length)} current releases`);
}

/** The instances of an app that run, have routes and passed the health check, on all nodes. */
export function servingOf(world: Scene, app: string): readonly string[] {
  return [...world.machines.values()].flatMap((machine) => liveBackends(machine, machine.proxy.routes(), app));
}

/** A remaining instance has served and then crashed. If another one leaves, the app is down because of its own code. */
function hasCrashed(machine: Machine, app: string): boolean {
  const staying = (machine.acceptedState?.assignments ?? []).filter(
    (each) => each.app === app && each.desired === 'run',
  );
  const hasServed = (id: string): boolean => machine.answered.values().some((process) => process.startsWith(`${id}@`));
  return staying.some(({ instanceId }) => hasServed(instanceId) && machine.startOf(instanceId) === undefined);
}

/** Backends that run and have answered on their port since their start. */
function liveBackends(machine: Machine, routes: readonly AppRoutes[], app: string): readonly string[] {
  const backends = routes.find((route) => route.app === app)?.backends ?? [];
  return backends.map((each) => each.id).filter((id) => machine.answered.has(`${id}@${String(machine.startOf(id))}`));
}

/** No node reports a finished clean-up of an app while it has a sandbox with the app's user ids, or a log of one. */
export function checkAcknowledged(
  machine: Machine | undefined,
  apps: readonly { readonly uidBase: number; readonly name: string }[],
): void {
  for (const { uidBase, name } of apps) {
    const left = [...(machine?.sandbox.specs.values() ?? [])].filter((spec) => spec.uidBase === uidBase);
    assert.deepEqual(
      left.map(({ id }) => id),
      [],
      `${machine?.name ?? ''} says that nothing of ${name} is left`,
    );
  }
}
