import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { UIDS_PER_APP } from '../../shared/domain/uid-range.ts';
import { DESTROYED_PER_NODE_MAX } from '../../controller/domain/destroyed-apps.ts';
import type { App } from '../../controller/domain/apps.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import type { Store } from '../../controller/store/port.ts';
import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import { parseAppName, parseUserName } from '../../shared/domain/names.ts';
import { sealAll } from '../../shared/kit/sensitive.ts';
import { addApp, addNode, addUser, assignment, newRelease, noChange } from '../support/store-fixtures.ts';

const BY = parseUserName('ada');

/** An app with something in every table, and an instance on the node. */
async function fullApp(store: Store, node: NodeRow, name = 'shop'): Promise<App> {
  const owner = (await store.userByName(BY)) ?? (await addUser(store, BY));
  const app = await addApp(store, owner.id, name);
  const build = await store.createBuild({ appId: app.id, userId: owner.id, commit: 'c'.repeat(40) });
  await store.setConfig(app.id, { SECRET: 'x' });
  await store.setFormation(app.id, { web: 2 });
  await store.addDomain(app.id, `${name}.example.com`);
  await store.changeBuildSettings(app.id, () => ({ root: 'api', buildpacks: [] }));
  await store.createRelease(newRelease(app, { buildId: build.id, config: sealAll({ SECRET: 'x' }) }));
  await store.changeAssignments({ ...noChange, add: [assignment({ nodeId: node.id, appId: app.id, release: 1 })] });
  return app;
}

/** The end of apps, and when their ranges of user ids are used again. */
export function destroyedCases(get: () => Store, open: () => Promise<Store>): void {
  endCases(get);
  rangeCases(get);
  restoreCases(get);
  it('gives a range to one app at a time, and to no app while a node may hold data of a former one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 40 }), (steps) => lifeOfRanges(steps, open)),
      {
        seed: 12,
        numRuns: 15,
      },
    );
  });
}

function endCases(get: () => Store): void {
  it('destroys an app with everything of it, in one step', async () => {
    const [alpha, beta] = [await addNode(get(), 'alpha'), await addNode(get(), 'beta')];
    const app = await fullApp(get(), alpha);
    const other = await fullApp(get(), beta, 'blog');
    assert.deepEqual(await get().destroyApp(app.id, BY), [alpha.id]);
    assert.equal(await get().appByName(app.name), undefined);
    assert.equal(await get().appById(app.id), undefined);
    assert.deepEqual(
      [await get().assignmentsOfApp(app.id), await get().releases(app.id, 9), await get().builds(app.id, 9)],
      [[], [], []],
    );
    assert.deepEqual(await get().unknownApps([app.id, other.id]), [app.id]);
    assert.equal((await get().assignmentsOfApp(other.id)).length, 1);
    assert.equal((await get().promisedMemory()).get(alpha.id)?.memoryBytes, 0);
    assert.equal(await get().destroyApp(app.id, BY), undefined);
  });

  it('frees the name and the domains for another app of its owner, frees the quota, and mixes the new app up with nothing', async () => {
    const node = await addNode(get(), 'alpha');
    const app = await fullApp(get(), node);
    await get().destroyApp(app.id, BY);
    const next = await addApp(get(), app.ownerId, 'shop');
    assert.notEqual(next.id, app.id);
    await get().addDomain(next.id, 'shop.example.com');
    assert.deepEqual(await get().config(next.id), {});
    assert.deepEqual(await get().formation(next.id), {});
    assert.deepEqual(await get().buildSettings(next.id), { buildpacks: [] });
    assert.equal((await get().createRelease(newRelease(next))).version, 1);
    assert.equal((await get().quotasOf(app.ownerId)).used.apps, 1);
  });

  it('is sent to each node that ever had data of it, with a new generation, and the event names the user', async () => {
    const nodes = [await addNode(get(), 'alpha'), await addNode(get(), 'beta'), await addNode(get(), 'gamma')] as const;
    const app = await fullApp(get(), nodes[0]);
    await get().noteAppNode(app.id, nodes[1].id);
    const [row] = await get().assignmentsOfApp(app.id);
    await get().changeAssignments({ ...noChange, remove: row === undefined ? [] : [row.instanceId] });
    const before = new Map((await get().nodes()).map((node) => [node.id, node.generation]));
    await get().destroyApp(app.id, BY);
    const raised = (await get().nodes()).filter((node) => node.generation > (before.get(node.id) ?? 0));
    assert.deepEqual(
      raised.map((node) => node.id),
      [nodes[0].id, nodes[1].id],
    );
    const { destroyed } = await get().desiredRows(nodes.map((node) => node.id));
    const one = { appId: app.id, uidBase: app.uidBase };
    assert.deepEqual(
      new Set(destroyed),
      new Set([
        { nodeId: nodes[0].id, ...one },
        { nodeId: nodes[1].id, ...one },
      ]),
    );
    const [event] = await get().events({ ownerId: app.ownerId, limit: 1 });
    assert.deepEqual([event?.kind, event?.actor, event?.app], ['app.destroyed', 'ada', 'shop']);
  });

  it('remembers the apps that have files on the controller, until the files are removed', async () => {
    const app = await fullApp(get(), await addNode(get(), 'alpha'));
    const [build] = await get().builds(app.id, 1);
    assert.deepEqual(await get().unknownBuilds([build?.id ?? '']), []);
    await get().destroyApp(app.id, BY);
    assert.deepEqual(await get().destroyedWithFiles(), [app.id]);
    assert.deepEqual(await get().unknownBuilds([build?.id ?? '']), [build?.id]);
    await get().destroyedFilesGone(app.id);
    assert.deepEqual(await get().destroyedWithFiles(), []);
  });
}

function rangeCases(get: () => Store): void {
  it('keeps the range of a destroyed app in quarantine until every node has acknowledged', async () => {
    const [alpha, beta] = [await addNode(get(), 'alpha'), await addNode(get(), 'beta')];
    const app = await fullApp(get(), alpha);
    await get().noteAppNode(app.id, beta.id);
    await get().destroyApp(app.id, BY);
    await get().destroyedFilesGone(app.id);
    const bob = await addUser(get(), 'bob');
    assert.notEqual((await addApp(get(), bob.id, 'one')).uidBase, app.uidBase);
    assert.equal(await get().acknowledgeDestroyed(alpha.id, [app.id]), 0);
    const [waiting] = await get().destroyedApps(9);
    assert.deepEqual([waiting?.awaited, waiting?.freeAtMs], [[beta.id], undefined]);
    assert.notEqual((await addApp(get(), bob.id, 'two')).uidBase, app.uidBase);
    await get().acknowledgeDestroyed(beta.id, [app.id]);
    assert.deepEqual(
      (await get().destroyedApps(9)).map((each) => each.awaited),
      [[]],
    );
    assert.equal((await addApp(get(), bob.id, 'three')).uidBase, app.uidBase);
    assert.deepEqual(await get().destroyedApps(9), []);
  });

  it('counts a node as one that acknowledged only when the operator removes it', async () => {
    const node = await addNode(get(), 'alpha');
    const app = await fullApp(get(), node);
    await get().destroyApp(app.id, BY);
    await get().setNodesPresent([{ id: node.id }]);
    await get().setNodeState(node.id, 'unreachable');
    assert.deepEqual((await get().destroyedApps(9))[0]?.awaited, [node.id]);
    await get().removeNode(node.id);
    assert.deepEqual((await get().destroyedApps(9))[0]?.awaited, []);
  });

  it('does not reuse a free range while the controller has files of its app', async () => {
    const app = await addApp(get(), (await addUser(get(), BY)).id, 'one');
    await get().destroyApp(app.id, BY);
    assert.notEqual((await addApp(get(), app.ownerId, 'two')).uidBase, app.uidBase);
    await get().destroyedFilesGone(app.id);
    assert.equal((await addApp(get(), app.ownerId, 'three')).uidBase, app.uidBase);
  });

  it('names in one desired state no more destroyed apps than a message may hold, the newest first', async () => {
    const node = await addNode(get(), 'alpha');
    const owner = await get().createUser({ name: parseUserName('ada'), admin: true });
    await get().setQuotas(owner.id, { apps: 10_000 }, owner.name);
    const ids: AppId[] = [];
    for (let at = 0; at < DESTROYED_PER_NODE_MAX + 2; at += 1) {
      const app = await get().createApp({ name: parseAppName(`app-${String(at)}`), ownerId: owner.id, stack: 'host' });
      await get().noteAppNode(app.id, node.id);
      await get().destroyApp(app.id, BY);
      ids.push(app.id);
    }
    const { destroyed } = await get().desiredRows([node.id]);
    assert.equal(destroyed.length, DESTROYED_PER_NODE_MAX);
    assert.equal(
      await get().acknowledgeDestroyed(
        node.id,
        destroyed.map((each) => each.appId),
      ),
      2,
    );
    assert.equal((await get().desiredRows([node.id])).destroyed.length, 2);
  });
}

function restoreCases(get: () => Store): void {
  it('trusts no range after a restore: each node is asked again, and ranges of unknown apps are skipped', async () => {
    const [alpha, beta] = [await addNode(get(), 'alpha'), await addNode(get(), 'beta')];
    const app = await fullApp(get(), alpha);
    await get().destroyApp(app.id, BY);
    await get().destroyedFilesGone(app.id);
    await get().acknowledgeDestroyed(alpha.id, [app.id]);
    await get().declareRestored();
    assert.deepEqual(new Set((await get().destroyedApps(9))[0]?.awaited), new Set([alpha.id, beta.id]));
    const next = await addApp(get(), app.ownerId, 'next');
    assert.ok(next.uidBase > app.uidBase + 1_000 * UIDS_PER_APP);
  });
}

const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('create' as const), nodes: fc.array(fc.nat(2), { maxLength: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('destroy' as const), which: fc.nat(100) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), node: fc.nat(2), which: fc.nat(100) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('filesGone' as const), which: fc.nat(100) }) },
);
type AnyStep = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** What a plain model of the fleet knows: which node holds data of which former app. */
async function lifeOfRanges(steps: readonly AnyStep[], open: () => Promise<Store>): Promise<void> {
  const store = await open();
  try {
    const owner = await addUser(store, BY);
    const nodes = [await addNode(store, 'alpha'), await addNode(store, 'beta'), await addNode(store, 'gamma')].map(
      (node) => node.id,
    );
    const live = new Map<AppId, { readonly app: App; readonly holders: Set<NodeId> }>();
    const former = new Map<AppId, { readonly app: App; readonly holders: Set<NodeId> }>();
    let count = 0;
    for (const step of steps) {
      if (step.kind === 'create') {
        const app = await addApp(store, owner.id, `app-${String((count += 1))}`);
        const overlaps = (other: App): boolean => Math.abs(other.uidBase - app.uidBase) < UIDS_PER_APP;
        assert.ok(![...live.values()].some((each) => overlaps(each.app)));
        assert.ok(![...former.values()].some((each) => each.holders.size > 0 && overlaps(each.app)));
        const holders = new Set(step.nodes.flatMap((at) => nodes[at] ?? []));
        for (const node of holders) await store.noteAppNode(app.id, node);
        live.set(app.id, { app, holders });
      } else if (step.kind === 'destroy') {
        const one = [...live.values()][step.which % Math.max(1, live.size)];
        if (one === undefined) continue;
        assert.deepEqual(new Set(await store.destroyApp(one.app.id, BY)), one.holders);
        live.delete(one.app.id);
        former.set(one.app.id, one);
      } else {
        const one = [...former.values()][step.which % Math.max(1, former.size)];
        if (one === undefined) continue;
        if (step.kind === 'filesGone') {
          await store.destroyedFilesGone(one.app.id);
          continue;
        }
        const node = nodes[step.node]!;
        one.holders.delete(node);
        await store.acknowledgeDestroyed(node, [one.app.id]);
      }
      assert.equal((await store.quotasOf(owner.id)).used.apps, live.size);
    }
  } finally {
    await store.close();
  }
}
