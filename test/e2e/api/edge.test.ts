import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EdgeBody, FrontsBody } from '../../../shared/api/edge.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { liveNodeOf } from '../../support/live-node.ts';
import { addNode } from '../../support/store-fixtures.ts';

describe('settings of all proxies in the API', () => {
  let fixture: ApiFixture;
  let ada: Caller;
  let admin: Caller;
  before(async () => {
    fixture = await openApi();
    ada = (await fixture.addCaller('ada')).caller;
    admin = (await fixture.addCaller('root', true)).caller;
  });
  after(() => fixture.close());

  async function edge(
    caller: Caller,
    method: string,
    json?: unknown,
  ): Promise<{ status: number; body: ErrorBody & EdgeBody }> {
    const answer = await fixture.call(caller, method, '/v1/edge', json === undefined ? {} : { json });
    return { status: answer.statusCode, body: (await answer.body.json()) as ErrorBody & EdgeBody };
  }

  it('an administrator says which nodes answer HTTPS, and an empty set is a problem', async () => {
    const [one, two] = [await addNode(fixture.store, 'fra-1'), await addNode(fixture.store, 'fra-2')];
    fixture.fleet.live = [liveNodeOf(two, { httpsPort: 443 }), liveNodeOf(one, { httpsPort: 443 })];
    assert.equal((await edge(ada, 'PUT', { require: { role: 'edge' } })).status, 403);
    assert.deepEqual((await edge(ada, 'GET')).body.nodes, [
      { name: 'fra-1', connected: true },
      { name: 'fra-2', connected: true },
    ]);
    const set = await edge(admin, 'PUT', { require: { role: 'edge' } });
    assert.match(set.body.problems[0]?.message ?? '', /No node answers HTTPS, because no node has role=edge/);
    const status = await fixture.call(admin, 'GET', '/v1/status', {});
    assert.match(await status.body.text(), /No node answers HTTPS, because no node has role=edge/);
    fixture.fleet.live = [liveNodeOf(one, { httpsPort: 443, labels: { role: 'edge' } }), liveNodeOf(two)];
    const { body } = await edge(ada, 'GET');
    assert.deepEqual([body.problems, body.nodes[0]], [[], { name: 'fra-1', connected: true }]);
    assert.match(body.nodes[1]?.whyNot ?? '', /no label role, role=edge is required/);
    assert.equal((await edge(admin, 'PUT', { require: { 'no label': 'x' } })).body.error, 'SLIP_NAME_LABEL');
    assert.deepEqual((await edge(admin, 'PUT', { require: {} })).body.require, {});
    fixture.fleet.live = [];
  });

  async function ask(
    caller: Caller,
    method: string,
    json?: unknown,
  ): Promise<{ status: number; body: ErrorBody & FrontsBody }> {
    const answer = await fixture.call(caller, method, '/v1/proxy/fronts', json === undefined ? {} : { json });
    return { status: answer.statusCode, body: (await answer.body.json()) as ErrorBody & FrontsBody };
  }

  it('an administrator sets the front proxies, and everybody may read them', async () => {
    assert.equal((await ask(ada, 'PATCH', { trusted: ['10.0.5.0/24'] })).status, 403);
    const changes = fixture.fleet.proxySettingsChanges;
    const set = await ask(admin, 'PATCH', { trusted: ['cloudflare', '10.0.5.0/24'], proxyProtocol: ['2001:DB8::1'] });
    assert.deepEqual([set.body.trusted, set.body.proxyProtocol], [['10.0.5.0/24', 'cloudflare'], ['2001:db8::1']]);
    assert.equal(fixture.fleet.proxySettingsChanges, changes + 1);
    const read = await ask(ada, 'GET');
    assert.deepEqual(read.body, set.body);
    assert.equal(read.body.cloudflare.networks.length, 22);
    const off = await ask(admin, 'PATCH', { trusted: [] });
    assert.deepEqual([off.body.trusted, off.body.proxyProtocol], [[], ['2001:db8::1']]);
  });

  it('a wrong entry is refused with its reason, and nothing is stored', async () => {
    const before = (await ask(ada, 'GET')).body;
    for (const [change, code] of [
      [{ trusted: ['10.0.6.0/24', '0.0.0.0/0'] }, 'SLIP_TRUST_CIDR'],
      [{ trusted: ['10.0.6.0/24'], proxyProtocol: ['cloudflare'] }, 'SLIP_TRUST_NAME'],
      [{ trusted: Array.from({ length: 101 }, (_, at) => `10.0.0.${String(at)}`) }, 'SLIP_TRUST_LIMIT'],
    ] as const) {
      const { status, body } = await ask(admin, 'PATCH', change);
      assert.deepEqual([status, body.error], [422, code]);
    }
    assert.deepEqual((await ask(ada, 'GET')).body, before);
  });

  it('nodes with older agents are named', async () => {
    fixture.fleet.live = [liveNodeOf(await addNode(fixture.store, 'old-1'), { ignoresEdgeSettings: true })];
    const { body } = await ask(admin, 'PATCH', { trusted: ['10.0.5.0/24'] });
    assert.match(body.problems[0]?.message ?? '', /The agents of old-1 are too old for the front proxies of the fleet/);
    assert.equal(body.problems[0]?.next, 'slipway nodes:upgrade old-1');
  });
});
