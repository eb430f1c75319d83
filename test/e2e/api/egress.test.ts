import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AppEgressBody, EgressBody, EgressChangedBody } from '../../../shared/api/egress.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { liveNodeOf } from '../../support/live-node.ts';
import { addNode } from '../../support/store-fixtures.ts';

type Body = ErrorBody & EgressBody & AppEgressBody & EgressChangedBody;

describe('private networks in the API', () => {
  let fixture: ApiFixture;
  let ada: Caller;
  let eve: Caller;
  let admin: Caller;
  before(async () => {
    fixture = await openApi();
    ada = (await fixture.addCaller('ada')).caller;
    eve = (await fixture.addCaller('eve')).caller;
    admin = (await fixture.addCaller('root', true)).caller;
    await ask(ada, 'POST', '/v1/apps', { name: 'shop' });
  });
  after(() => fixture.close());

  async function ask(
    caller: Caller,
    method: string,
    path: string,
    json?: unknown,
  ): Promise<{ status: number; body: Body }> {
    const answer = await fixture.call(caller, method, path, json === undefined ? {} : { json });
    return { status: answer.statusCode, body: (await answer.body.json()) as Body };
  }

  it('are opened by an administrator alone, and read by the owner of the app', async () => {
    for (const path of ['/v1/egress', '/v1/apps/shop/egress']) {
      const refused = await ask(ada, 'POST', path, { cidr: '10.0.5.0/24' });
      assert.deepEqual([refused.status, refused.body.error], [403, 'SLIP_FORBIDDEN']);
      assert.equal((await ask(ada, 'DELETE', `${path}/10.0.5.0%2F24`)).status, 403);
    }
    const changes = fixture.fleet.egressChanges;
    assert.deepEqual((await ask(admin, 'POST', '/v1/egress', { cidr: '10.0.5.0/24' })).body, {
      cidr: '10.0.5.0/24',
      problems: [],
    });
    assert.equal((await ask(admin, 'POST', '/v1/apps/shop/egress', { cidr: '10.0.6.9' })).body.cidr, '10.0.6.9/32');
    assert.equal(fixture.fleet.egressChanges, changes + 2);
    const mine = await ask(ada, 'GET', '/v1/apps/shop/egress');
    assert.deepEqual(mine.body, { app: 'shop', cidrs: ['10.0.6.9/32'], fleet: ['10.0.5.0/24'] });
    assert.deepEqual((await ask(ada, 'GET', '/v1/egress')).body, { cidrs: ['10.0.5.0/24'] });
    assert.deepEqual((await ask(admin, 'GET', '/v1/egress')).body.apps, [{ app: 'shop', cidrs: ['10.0.6.9/32'] }]);
    assert.equal((await ask(eve, 'GET', '/v1/apps/shop/egress')).status, 404);
    assert.equal((await ask(admin, 'DELETE', '/v1/egress/10.0.5.0%2F24')).status, 200);
    assert.equal((await ask(admin, 'DELETE', '/v1/apps/shop/egress/10.0.6.9')).status, 200);
  });

  it('are refused with a reason when they are forbidden or not in the list', async () => {
    fixture.fleet.live = [liveNodeOf(await addNode(fixture.store, 'fra-1'), { sandboxSubnet: '10.203.0.0/16' })];
    const refusals: readonly (readonly [string, string])[] = [
      ['169.254.169.254', 'SLIP_EGRESS_NEVER'],
      ['10.203.7.0/24', 'SLIP_EGRESS_NEVER'],
      ['0.0.0.0/0', 'SLIP_EGRESS_CIDR'],
      ['fd00:ec2::254', 'SLIP_EGRESS_CIDR'],
      ['everything', 'SLIP_EGRESS_CIDR'],
    ];
    for (const [cidr, code] of refusals) {
      const { status, body } = await ask(admin, 'POST', '/v1/egress', { cidr });
      assert.deepEqual([status, body.error], [422, code], cidr);
    }
    const gone = await ask(admin, 'DELETE', '/v1/egress/10.9.9.9');
    assert.deepEqual([gone.status, gone.body.error], [404, 'SLIP_EGRESS_NOT_FOUND']);
  });

  it('name the nodes whose agent is too old for them', async () => {
    fixture.fleet.live = [liveNodeOf(await addNode(fixture.store, 'old-1'), { egressIgnored: true })];
    const { body } = await ask(admin, 'POST', '/v1/egress', { cidr: '10.0.7.0/24' });
    assert.match(body.problems[0]?.message ?? '', /The agent of node old-1 is too old/);
    assert.equal(body.problems[0]?.next, 'slipway nodes:upgrade old-1');
  });
});
