import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { App } from '../../controller/domain/apps.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import type { Store } from '../../controller/store/port.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import { revealAll } from '../../shared/kit/sensitive.ts';
import { appLifeCases } from './store-app-life.ts';
import { buildSettingsCases } from './store-build-settings.ts';
import { certificateCases } from './store-certificates.ts';
import { commandCases } from './store-commands.ts';
import { cronCases } from './store-cron.ts';
import { edgeCases } from './store-edge.ts';
import { egressCases } from './store-egress.ts';
import { destroyedCases } from './store-destroyed.ts';
import { eventCases, factCases } from './store-events.ts';
import { healthCheckCases } from './store-health-checks.ts';
import { httpsRuleCases } from './store-https-rules.ts';
import { historyCases } from './store-history.ts';
import { keptNameCases } from './store-kept-names.ts';
import { bulkQueryCases } from './store-bulk-queries.ts';
import { nodeCases } from './store-nodes.ts';
import { dnsCases } from './store-dns.ts';
import { issuedCases } from './store-issued.ts';
import { orderCases } from './store-orders.ts';
import { placementCases } from './store-placement.ts';
import { quotaCases } from './store-quotas.ts';
import { releaseExtraCases } from './store-releases.ts';
import { switchCases } from './store-switches.ts';
import { taskCases } from './store-tasks.ts';
import {
  addApp,
  addNode,
  addUser,
  assignment,
  digestOf,
  newRelease,
  noChange,
  slugOf,
} from '../support/store-fixtures.ts';

/** What every store must do. `open` gives an empty one; the suite closes it. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`store: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    peopleCases(() => store);
    appCases(() => store);
    buildCases(() => store);
    releaseCases(() => store);
    nodeCases(() => store);
    assignmentCases(() => store);
    eventCases(() => store);
    factCases(() => store);
    orderCases(() => store);
    dnsCases(() => store);
    issuedCases(() => store);
    placementCases(() => store);
    quotaCases(() => store);
    appLifeCases(() => store);
    buildSettingsCases(() => store);
    healthCheckCases(() => store);
    httpsRuleCases(() => store);
    commandCases(() => store);
    cronCases(() => store);
    edgeCases(() => store);
    egressCases(() => store);
    keptNameCases(() => store);
    certificateCases(() => store);
    historyCases(() => store);
    taskCases(() => store);
    switchCases(() => store);
    releaseExtraCases(() => store);
    bulkQueryCases(() => store);
    destroyedCases(() => store, open);
  });
}

type Get = () => Store;

function peopleCases(get: Get): void {
  it('raises the epoch at each start and keeps its id', async () => {
    assert.deepEqual(await get().newEpoch('first'), { counter: 1, id: 'first' });
    assert.deepEqual(await get().newEpoch('second'), { counter: 2, id: 'second' });
  });

  it('raises epoch and generations above all that was given out after a backup, when it is declared restored', async () => {
    const node = await addNode(get(), 'alpha');
    const before = Date.now();
    await get().declareRestored();
    const generation = async (): Promise<number> =>
      (await get().nodes()).find(({ id }) => id === node.id)?.generation ?? 0;
    const first = await generation();
    assert.ok(first >= before);
    const { counter } = await get().newEpoch('restored');
    assert.ok(counter > before);
    await get().touchNode(node.id);
    await get().declareRestored();
    assert.ok((await generation()) > first + 1);
    assert.ok((await get().newEpoch('again')).counter > counter);
  });

  it('remembers the user who started the running rebalance', async () => {
    assert.equal(await get().rebalanceBy(), undefined);
    await get().setRebalanceBy('ada');
    assert.equal(await get().rebalanceBy(), 'ada');
    await get().setRebalanceBy(undefined);
    assert.equal(await get().rebalanceBy(), undefined);
  });

  it('remembers which labels a node must have to build', async () => {
    assert.deepEqual(await get().builderLabels(), {});
    await get().setBuilderLabels({ role: 'build', zone: 'a' });
    assert.deepEqual(await get().builderLabels(), { role: 'build', zone: 'a' });
    await get().setBuilderLabels({});
    assert.deepEqual(await get().builderLabels(), {});
  });

  it('finds a user by id and name, and refuses a second one of the name', async () => {
    const ada = await addUser(get(), 'ada', true);
    assert.deepEqual(await get().userById(ada.id), ada);
    assert.deepEqual(await get().userByName(ada.name), ada);
    assert.equal(ada.admin, true);
    await assert.rejects(addUser(get(), 'ada'), { code: 'SLIP_USER_EXISTS', kind: 'conflict' });
    assert.deepEqual(await get().users(), [ada]);
  });

  it('leads from a key to its user, and gives one key to one user only', async () => {
    const ada = await addUser(get());
    const bob = await addUser(get(), 'bob');
    const key = { fingerprint: 'SHA256:abc', userId: ada.id, publicKey: 'ssh-ed25519 AAAA', comment: 'laptop' };
    await get().addKey(key);
    assert.deepEqual(await get().userByFingerprint('SHA256:abc'), ada);
    assert.equal(await get().userByFingerprint('SHA256:abd'), undefined);
    await assert.rejects(get().addKey({ ...key, userId: bob.id }), { code: 'SLIP_KEY_TAKEN' });
    assert.deepEqual(
      (await get().keysOf(ada.id)).map((row) => row.comment),
      ['laptop'],
    );
    assert.equal(await get().removeKey(bob.id, 'SHA256:abc'), false);
    assert.equal(await get().removeKey(ada.id, 'SHA256:abc'), true);
    assert.equal(await get().userByFingerprint('SHA256:abc'), undefined);
  });

  it('knows a token by its hash until it expires', async () => {
    const ada = await addUser(get());
    await get().addToken({ userId: ada.id, secretHash: 'h1', description: 'laptop' });
    await get().addToken({ userId: ada.id, secretHash: 'h2', description: 'ci', expiresAtMs: 100 });
    assert.deepEqual(await get().userByTokenHash('h1', 1e15), ada);
    assert.deepEqual(await get().userByTokenHash('h2', 99), ada);
    assert.equal(await get().userByTokenHash('h2', 100), undefined);
    assert.equal(await get().userByTokenHash('h3', 0), undefined);
  });
}

function appCases(get: Get): void {
  it('draws a uid range for each app', async () => {
    const ada = await addUser(get());
    const first = await addApp(get(), ada.id, 'one');
    await assert.rejects(addApp(get(), ada.id, 'one'), { code: 'SLIP_APP_EXISTS', kind: 'conflict' });
    const second = await addApp(get(), ada.id, 'two');
    assert.equal(first.uidBase, 0x20000000);
    assert.equal(second.uidBase, 0x20000000 + 65536);
    assert.deepEqual(await get().appByName(parseAppName('two')), second);
    assert.deepEqual(await get().appById(first.id), first);
  });

  it('has a revision of the config that changes with every change', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const revisions = [await get().configRevision(app.id), await get().configRevision(app.id)];
    for (const changes of [{ A: '1' }, { A: '2' }, { A: '2' }, { A: undefined, B: '1' }]) {
      await get().setConfig(app.id, changes);
      revisions.push(await get().configRevision(app.id));
    }
    assert.equal(new Set(revisions).size, 5, 'two reads without a change have the same');
  });

  it('sets, replaces and removes config variables in one step', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    assert.deepEqual(revealAll(await get().config(app.id)), {});
    await get().setConfig(app.id, { A: '1', B: '2' });
    const after = await get().setConfig(app.id, { A: undefined, B: '3', C: '' });
    assert.deepEqual(revealAll(after), { B: '3', C: '' });
    assert.equal(JSON.stringify(after), '{"B":"[redacted]","C":"[redacted]"}');
  });

  it('keeps the formation, other types untouched', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    assert.deepEqual(await get().formation(app.id), {});
    await get().setFormation(app.id, { web: 2 });
    assert.deepEqual(await get().setFormation(app.id, { worker: 0 }), { web: 2, worker: 0 });
  });
}

function buildCases(get: Get): void {
  it('walks a build through its states and keeps failure and timings', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const build = await get().createBuild({ appId: app.id, userId: app.ownerId, commit: 'd'.repeat(40) });
    assert.equal(build.state, 'queued');
    await get().setBuildState(build.id, 'running');
    assert.equal((await get().unfinishedBuilds()).length, 1);
    const failure = { code: 'SLIP_BUILD_COMPILE', message: 'npm failed.', hint: 'Fix it.' };
    await get().setBuildState(build.id, 'failed', { failure, timingsMs: { compile: 12.5 } });
    const after = await get().build(build.id);
    assert.ok(after);
    assert.deepEqual([after.state, after.failure, after.timingsMs], ['failed', failure, { compile: 12.5 }]);
    assert.notEqual(after.finishedAtMs, undefined);
    assert.deepEqual(await get().unfinishedBuilds(), []);
    await assert.rejects(get().setBuildState(build.id, 'running'), { code: 'SLIP_STATE_ILLEGAL' });
  });

  it('lists builds newest first, also those of one millisecond', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const commits = ['1', '2', '3'].map((digit) => digit.repeat(40));
    for (const commit of commits) await get().createBuild({ appId: app.id, userId: app.ownerId, commit });
    assert.deepEqual(
      (await get().builds(app.id, 2)).map((build) => build.commit),
      [commits[2], commits[1]],
    );
    const [last] = await get().builds(app.id, 1);
    await get().setBuildTimings(last!.id, { total: 5 });
    assert.deepEqual((await get().build(last!.id))?.timingsMs, { total: 5 });
  });
}

function releaseCases(get: Get): void {
  it('returns a release unchanged, with its config still sealed', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const wanted = newRelease(app, { ref: 'refs/heads/main' });
    const release = await get().createRelease(wanted);
    assert.equal(release.version, 1);
    assert.equal(release.state, 'pending');
    assert.deepEqual(release.slug, wanted.slug);
    assert.equal(release.ref, 'refs/heads/main');
    assert.deepEqual(revealAll(release.config), { SECRET: 's3cret' });
    assert.deepEqual(await get().release(app.id, 1), release);
    assert.equal(await get().release(app.id, 2), undefined);
  });

  it('numbers releases without a gap, failed ones included, when many are made at once', async () => {
    const owner = (await addUser(get())).id;
    const [one, two] = [await addApp(get(), owner, 'one'), await addApp(get(), owner, 'two')];
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) => get().createRelease(newRelease(index % 2 ? one : two))),
    );
    const versions = made.filter((release) => release.appId === one.id).map((release) => release.version);
    assert.deepEqual(
      versions.sort((a, b) => a - b),
      Array.from({ length: 10 }, (_, index) => index + 1),
    );
    await get().failRelease(one.id, 10, { code: 'X', message: 'no' }, noChange);
    assert.equal((await get().createRelease(newRelease(one))).version, 11);
  });

  it('makes a release current and the former one superseded', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    await rollOut(get(), app);
    await rollOut(get(), app);
    assert.equal((await get().currentRelease(app.id))?.version, 2);
    assert.equal((await get().release(app.id, 1))?.state, 'superseded');
    assert.deepEqual(
      (await get().releases(app.id, 10)).map((release) => release.version),
      [2, 1],
    );
  });

  it('takes a failed bake back: the release fails and the named one is current again', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    await rollOut(get(), app);
    await rollOut(get(), app);
    const failure = { code: 'SLIP_RELEASE_BAKE', message: 'It crashed.' };
    await get().failRelease(app.id, 2, failure, noChange, 1);
    assert.equal((await get().currentRelease(app.id))?.version, 1);
    assert.deepEqual((await get().release(app.id, 2))?.failure, failure);
  });

  it('finds unfinished work after a crash', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    await rollOut(get(), app);
    await get().createRelease(newRelease(app));
    await get().createRelease(newRelease(app));
    await get().beginRollout(app.id, 3, noChange);
    assert.deepEqual(
      (await get().unfinishedReleases()).map((release) => [release.version, release.state]),
      [
        [2, 'pending'],
        [3, 'deploying'],
      ],
    );
  });

  it('knows which images releases use, failed ones apart', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    await get().createRelease(newRelease(app, { slug: slugOf('a', 'b') }));
    await get().createRelease(newRelease(app, { slug: slugOf('a', 'd') }));
    await get().failRelease(app.id, 2, { code: 'X', message: 'no' }, noChange);
    assert.deepEqual(await get().imagesInUse(), new Set([digestOf('a'), digestOf('b')]));
  });

  it('refuses a step the state table does not have, and changes nothing', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const node = await addNode(get());
    await get().createRelease(newRelease(app));
    const change = { ...noChange, add: [assignment({ nodeId: node.id, appId: app.id, release: 1 })] };
    await assert.rejects(get().completeRollout(app.id, 1, change), { code: 'SLIP_STATE_ILLEGAL' });
    assert.equal((await get().release(app.id, 1))?.state, 'pending');
    assert.deepEqual(await get().allAssignments(), []);
    assert.equal(await generation(get(), node), 0);
  });
}

function assignmentCases(get: Get): void {
  it('raises the generation of every node touched once, and of no other', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const [one, two, three] = [await addNode(get(), 'n1'), await addNode(get(), 'n2'), await addNode(get(), 'n3')];
    await get().createRelease(newRelease(app));
    const rows = [one, one, two].map((node, index) =>
      assignment({ nodeId: node.id, appId: app.id, release: 1, ordinal: index + 1 }),
    );
    await get().beginRollout(app.id, 1, { ...noChange, add: rows });
    assert.deepEqual(await Promise.all([one, two, three].map((node) => generation(get(), node))), [1, 1, 0]);
    await get().changeAssignments({
      ...noChange,
      setDesired: [{ instanceId: rows[2]!.instanceId, desired: 'standby' }],
    });
    await get().changeAssignments({ ...noChange, remove: [rows[0]!.instanceId, rows[1]!.instanceId] });
    await get().touchNode(three.id);
    assert.deepEqual(await Promise.all([one, two, three].map((node) => generation(get(), node))), [2, 2, 1]);
    assert.deepEqual(await get().assignmentsOfNode(one.id), []);
    assert.deepEqual(await get().assignmentsOfApp(app.id), [{ ...rows[2], desired: 'standby' }]);
    assert.equal((await get().allAssignments()).length, 1);
  });

  it('skips instances that do not exist any more', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const gone = assignment({ nodeId: (await addNode(get())).id, appId: app.id, release: 1 }).instanceId;
    await get().changeAssignments({ add: [], setDesired: [{ instanceId: gone, desired: 'stop' }], remove: [gone] });
    assert.deepEqual(await get().allAssignments(), []);
  });
}

async function rollOut(store: Store, app: App): Promise<void> {
  const { version } = await store.createRelease(newRelease(app));
  await store.beginRollout(app.id, version, noChange);
  await store.completeRollout(app.id, version, noChange);
}

async function generation(store: Store, node: NodeRow): Promise<number | undefined> {
  return (await store.nodeBySerial(node.certificateSerial))?.generation;
}
