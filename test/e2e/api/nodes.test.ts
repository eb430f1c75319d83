import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { App } from '../../../controller/domain/apps.ts';
import type { NodeRow } from '../../../controller/domain/nodes.ts';
import type { Store } from '../../../controller/store/port.ts';
import type { NodeInfoBody } from '../../../shared/api/nodes.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { addApp, addNode, addUser, assignment, newRelease } from '../../support/store-fixtures.ts';

/** A node, or why not. */
type Answer = NodeInfoBody & ErrorBody;

const noChange = { add: [], setDesired: [], remove: [] };

/** How often the store was asked; each of its methods has a fixed number of statements. */
function countCalls(t: TestContext, store: Store): () => number {
  let count = 0;
  // The store is wrapped by name, whatever its methods take.
  const methods = store as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, original] of Object.entries(methods)) {
    if (typeof original !== 'function') continue;
    t.mock.method(methods, name, (...args: unknown[]) => {
      count += 1;
      return original.apply(store, args);
    });
  }
  return () => count;
}

describe('nodes over the API', () => {
  let fixture: ApiFixture;
  let admin: Caller;
  let user: Caller;
  let app: App;
  let node: NodeRow;

  before(async () => {
    fixture = await openApi();
    const ada = await fixture.addCaller('ada', true);
    admin = ada.caller;
    user = (await fixture.addCaller('bob')).caller;
    app = await addApp(fixture.store, ada.user.id);
    node = await addNode(fixture.store, 'fra');
    await fixture.store.setNodeState(node.id, 'ready');
    await fixture.store.createRelease(newRelease(app));
    await fixture.store.beginRollout(app.id, 1, {
      ...noChange,
      add: [assignment({ nodeId: node.id, appId: app.id, release: 1 })],
    });
    await fixture.store.completeRollout(app.id, 1, noChange);
  });
  after(() => fixture.close());

  async function call(
    caller: Caller,
    method: string,
    path: string,
    json?: unknown,
  ): Promise<{ status: number; body: Answer }> {
    const answer = await fixture.call(caller, method, `/v1${path}`, json === undefined ? {} : { json });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: (text === '' ? undefined : JSON.parse(text)) as Answer };
  }

  it('cordons, drains and uncordons nodes, and lists their instances', async () => {
    assert.equal((await call(admin, 'POST', '/nodes/fra/cordon')).body.cordoned, true);
    const beforeMs = Date.now();
    const { body } = await call(admin, 'POST', '/nodes/fra/drain', { deadlineMs: 60_000 });
    assert.deepEqual([body.draining, body.cordoned, body.placed.map((each) => each.name)], [true, true, ['web.1']]);
    assert.ok((body.drainUntilMs ?? 0) >= beforeMs + 60_000);
    const after = (await call(admin, 'POST', '/nodes/fra/uncordon')).body;
    assert.deepEqual([after.draining, after.cordoned], [false, false]);
    assert.deepEqual((await fixture.store.events({ node: 'fra', limit: 4 })).map((event) => event.kind).slice(0, 3), [
      'node.uncordoned',
      'node.draining',
      'node.cordoned',
    ]);
  });

  it('reads a node and a list of apps with the same number of queries, whatever their number of instances and owners', async (t) => {
    const { store } = fixture;
    const calls = countCalls(t, store);
    const cost = async (path: string): Promise<number> => {
      const before = calls();
      assert.equal((await fixture.call(admin, 'GET', `/v1${path}`)).statusCode, 200);
      return calls() - before;
    };
    const few = [await cost('/nodes/fra'), await cost('/apps')];
    const rows = [];
    for (let at = 0; at < 6; at += 1) {
      const other = await addApp(store, (await addUser(store, `owner-${String(at)}`)).id, `crowd-${String(at)}`);
      await store.createRelease(newRelease(other));
      rows.push(assignment({ nodeId: node.id, appId: other.id, release: 1 }));
    }
    await store.changeAssignments({ ...noChange, add: rows });
    assert.deepEqual([await cost('/nodes/fra'), await cost('/apps')], few);
    await store.changeAssignments({ ...noChange, remove: rows.map((row) => row.instanceId) });
  });

  it('shows a person only instances of their own apps, and lets only an administrator change a node', async () => {
    assert.deepEqual((await call(user, 'GET', '/nodes/fra')).body.placed, []);
    for (const what of ['cordon', 'drain', 'uncordon'])
      assert.equal((await call(user, 'POST', `/nodes/fra/${what}`)).status, 403);
    assert.equal((await call(user, 'DELETE', '/nodes/fra')).status, 403);
    assert.equal((await call(user, 'PATCH', '/nodes/fra/labels', { labels: { a: 'b' } })).status, 403);
    assert.equal((await call(admin, 'GET', '/nodes/nowhere')).status, 404);
  });

  it('sets and removes labels, and refuses invalid ones', async () => {
    await call(admin, 'PATCH', '/nodes/fra/labels', { labels: { region: 'fra', ssd: 'yes' } });
    const { body } = await call(admin, 'PATCH', '/nodes/fra/labels', { labels: { ssd: null } });
    assert.deepEqual(body.labels, { region: 'fra' });
    assert.equal(
      (await call(admin, 'PATCH', '/nodes/fra/labels', { labels: { 'a b': 'c' } })).body.error,
      'SLIP_NAME_LABEL',
    );
  });

  it('keeps how long an app waits, and refuses less than an outage needs to show', async () => {
    const path = `/apps/${app.name}/lost-after`;
    assert.deepEqual((await call(admin, 'GET', path)).body, { defaultMs: 60_000 });
    assert.deepEqual((await call(admin, 'PUT', path, { lostAfterMs: 'never' })).body, {
      lostAfterMs: 'never',
      defaultMs: 60_000,
    });
    assert.equal((await call(admin, 'PUT', path, { lostAfterMs: 1_000 })).status, 422);
    assert.deepEqual((await call(admin, 'PUT', path, { lostAfterMs: null })).body, { defaultMs: 60_000 });
  });

  it('plans a rebalance without making it', async () => {
    assert.deepEqual((await call(admin, 'GET', '/rebalance')).body, { running: false, moves: [] });
    assert.equal((await call(user, 'GET', '/rebalance')).status, 403);
  });

  it('removes a node in use only when forced, and its certificate with it', async () => {
    const refused = await call(admin, 'DELETE', '/nodes/fra');
    assert.deepEqual([refused.status, refused.body.error], [409, 'SLIP_NODE_IN_USE']);
    assert.match(refused.body.message, /web\.1 of hello/);
    assert.equal((await call(admin, 'DELETE', '/nodes/fra?force=true')).status, 204);
    assert.deepEqual(await fixture.store.nodes(), []);
    assert.equal(fixture.fleet.changed.at(-1)?.state, 'removed');
    assert.equal((await call(admin, 'GET', '/nodes/fra')).status, 404);
  });
});
