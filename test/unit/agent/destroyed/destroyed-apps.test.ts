import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { DestroyedApps } from '../../../../agent/destroyed/destroyed-apps.ts';
import type { Means, Place } from '../../../../agent/destroyed/port.ts';
import type { DesiredState } from '../../../../shared/domain/assignment.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import { parseAppName } from '../../../../shared/domain/names.ts';
import { FIRST_UID_BASE, UIDS_PER_APP } from '../../../../shared/domain/uid-range.ts';
import type { Clock } from '../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { aDesiredState } from '../../../support/domain.ts';
import { eventually } from '../../../support/eventually.ts';

const [shop, blog] = ['appshop00', 'appblog00'] as [AppId, AppId];
const UID_BASE = { [shop]: FIRST_UID_BASE, [blog]: FIRST_UID_BASE + UIDS_PER_APP };

const naming = (...appIds: AppId[]): DesiredState => ({
  ...aDesiredState([]),
  destroyed: appIds.map((appId) => ({ appId, uidBase: UID_BASE[appId] ?? 0 })),
});

/** Time goes on only when somebody sleeps. */
function jumpingClock(): Clock & { readonly sleeps: number[] } {
  let nowMs = 1;
  const sleeps: number[] = [];
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    if (ms > 600_000) await untilAborted(signal);
    sleeps.push(ms);
    nowMs += ms;
  };
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep, sleeps };
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_, reject) =>
    signal?.addEventListener('abort', () => reject(new Error('awake')), { once: true }),
  );
}

/** A node with things of apps at some places. */
class Node {
  readonly left = new Map<string, Map<AppId, string[]>>();
  readonly done: string[] = [];
  readonly clock = jumpingClock();
  /** Removals of these fail so often. */
  readonly faults = new Map<string, number>();
  onLook: (place: string) => void = () => undefined;
  readonly apps: DestroyedApps;

  constructor(t: TestContext | undefined, places: Readonly<Record<string, Means>>) {
    this.apps = new DestroyedApps({
      places: Object.entries(places).map(([name, means]) => this.#place(name, means)),
      sync: async () => void this.done.push('sync'),
      acknowledge: (appIds) => this.done.push(`ack ${appIds.join()}`),
      ...{ clock: this.clock, random: () => 0, failpoint: noFailpoint, log: silentLogger },
    });
    t?.after(() => this.apps.stop());
  }

  put(place: string, appId: AppId, ...things: string[]): this {
    const byApp = this.left.get(place) ?? new Map<AppId, string[]>();
    this.left.set(place, byApp.set(appId, things));
    return this;
  }

  acknowledged(): readonly string[] {
    return this.done.filter((line) => line.startsWith('ack'));
  }

  #place(name: string, means: Means): Place {
    return {
      ...{ name, means },
      look: async (apps) => {
        this.onLook(name);
        return new Map(apps.map(({ appId }) => [appId, [...(this.left.get(name)?.get(appId) ?? [])]]));
      },
      end: async ({ appId }, left) => {
        const faults = this.faults.get(name) ?? 0;
        this.faults.set(name, faults - 1);
        if (faults > 0) throw new Error('busy');
        this.done.push(`${means === 'event' ? 'ask' : 'remove'} ${left.join()} of ${appId}`);
        if (means === 'remove') this.left.get(name)?.delete(appId);
      },
    };
  }
}

describe('the data of destroyed apps on a node', () => {
  it('is removed place by place, made durable, and only then acknowledged', async (t) => {
    const node = new Node(t, { build: 'event', sandbox: 'remove', log: 'remove' });
    node.put('build', shop, 'task1').put('sandbox', shop, 'box1').put('log', shop, 'log1');
    node.apps.setDesired(naming(shop));
    node.apps.start();
    await eventually('it waits', () => node.done.length === 1);
    assert.deepEqual(node.done, [`ask task1 of ${shop}`]);
    node.left.get('build')?.clear();
    node.apps.wake();
    await eventually('it is acknowledged', () => node.acknowledged().length > 0);
    assert.deepEqual(node.done.slice(1), [`remove box1 of ${shop}`, `remove log1 of ${shop}`, 'sync', `ack ${shop}`]);
    assert.deepEqual(node.clock.sleeps, [], 'it waits for events, and not for time');
  });

  it('is acknowledged again after each state that names it, and not without one', async (t) => {
    const node = new Node(t, { log: 'remove' });
    node.apps.setDesired(naming(shop));
    node.apps.start();
    await eventually('it is acknowledged', () => node.acknowledged().length === 1);
    node.apps.wake();
    node.apps.setDesired(naming(shop));
    await eventually('it is acknowledged again', () => node.acknowledged().length === 2);
  });

  it('is removed again after growing pauses, is reported meanwhile, and does not delay other apps', async (t) => {
    const node = new Node(t, { sandbox: 'remove', log: 'remove' });
    node.put('sandbox', shop, 'box1').put('log', blog, 'log1').faults.set('sandbox', 4);
    const told: string[] = [];
    node.onLook = () => {
      try {
        node.apps.check();
      } catch (error) {
        told.push((error as { code: string }).code);
      }
    };
    node.apps.setDesired(naming(shop, blog));
    node.apps.start();
    await eventually('both are acknowledged', () => node.acknowledged().length === 2);
    assert.deepEqual(node.acknowledged(), [`ack ${blog}`, `ack ${shop}`]);
    assert.deepEqual(node.clock.sleeps, [500, 1_000, 2_000, 4_000]);
    assert.deepEqual([...new Set(told)], ['SLIP_DESTROYED_LEFTOVERS']);
    node.apps.check();
  });

  it('is removed after a pause when it appears again after its removal', async (t) => {
    const node = new Node(t, { sandbox: 'remove' });
    let looks = 0;
    node.onLook = () => {
      looks += 1;
      if (looks < 6) node.put('sandbox', shop, 'box1');
    };
    node.apps.setDesired(naming(shop));
    node.apps.start();
    await eventually('it is acknowledged', () => node.acknowledged().length === 1);
    assert.deepEqual(node.clock.sleeps, [500, 1_000]);
  });

  it('is left alone as soon as another app has its user ids', async (t) => {
    const others = {
      build: (apps: DestroyedApps) =>
        apps.taskStarts({ appId: blog, app: parseAppName('blog'), uidBase: FIRST_UID_BASE }),
      state: (apps: DestroyedApps) => apps.setDesired(naming()),
    };
    for (const learn of Object.values(others)) {
      const node = new Node(t, { sandbox: 'remove', log: 'remove' });
      // It begins during the look, which finds what the other app has by now.
      node.onLook = (place) => {
        if (place === 'sandbox') learn(node.apps);
        node.put('sandbox', shop, 'box of blog');
      };
      node.apps.setDesired(naming(shop));
      node.apps.start();
      await eventually('it looked', () => node.left.size > 0);
      await node.apps.stop();
      assert.deepEqual(node.done, []);
    }
  });

  it('is never used by a build', (t) => {
    const { apps } = new Node(t, {});
    apps.setDesired(naming(shop));
    const task = { appId: shop, app: parseAppName('shop'), uidBase: FIRST_UID_BASE };
    assert.throws(() => apps.taskStarts(task), { code: 'SLIP_APP_DESTROYED' });
  });

  it('is reported and not touched when the same state wants the app', (t) => {
    const { apps } = new Node(t, {});
    apps.setDesired({ ...naming(shop), destroyed: [{ appId: shop, uidBase: 1_000 }] });
    assert.throws(() => apps.check(), { code: 'SLIP_DESTROYED_IN_USE' });
    apps.setDesired(naming(shop));
    apps.check();
  });

  it('is never acknowledged while any of it remains', async () => {
    const things = fc.record({ sandbox: fc.nat(2), log: fc.nat(2), file: fc.nat(2), faults: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(things, { minLength: 2, maxLength: 2 }), async (all) => {
        const node = new Node(undefined, { sandbox: 'remove', log: 'remove', file: 'remove' });
        for (const [at, { faults, ...counts }] of all.entries()) {
          for (const [place, count] of Object.entries(counts)) {
            node.put(
              place,
              at === 0 ? shop : blog,
              ...Array.from({ length: count }, (_, index) => `${place}${String(index)}`),
            );
            node.faults.set(place, faults);
          }
        }
        node.apps.setDesired(naming(shop, blog));
        node.apps.start();
        const acknowledged = (): readonly string[] => node.acknowledged().flatMap((line) => line.slice(4).split(','));
        await eventually('both are acknowledged', () => acknowledged().length === 2);
        await node.apps.stop();
        assert.deepEqual(
          [...node.left.values()].flatMap((byApp) => [...byApp.values()].flat()),
          [],
        );
        assert.equal(node.done.at(-2), 'sync');
      }),
      { numRuns: 50 },
    );
  });
});
