import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { QuotasBody } from '../../../shared/api/quotas.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { eventually } from '../../support/eventually.ts';
import { liveNodeOf } from '../../support/live-node.ts';
import { addNode } from '../../support/store-fixtures.ts';

describe('quotas in the API', () => {
  let fixture: ApiFixture;
  let ada: Caller;
  let admin: Caller;
  before(async () => {
    fixture = await openApi();
    ada = (await fixture.addCaller('ada')).caller;
    admin = (await fixture.addCaller('root', true)).caller;
  });
  after(() => fixture.close());

  const ask = async (
    caller: Caller,
    method: string,
    path: string,
    json?: unknown,
  ): Promise<{ status: number; body: ErrorBody & QuotasBody }> => {
    const answer = await fixture.call(caller, method, path, json === undefined ? {} : { json });
    return { status: answer.statusCode, body: (await answer.body.json()) as ErrorBody & QuotasBody };
  };
  const quota = ({ quotas }: QuotasBody, name: string) => quotas.find((one) => one.name === name);

  it('shows a user the used quotas, and lets only an administrator raise them', async () => {
    await ask(ada, 'POST', '/v1/apps', { name: 'shop' });
    const mine = (await ask(ada, 'GET', '/v1/quotas')).body;
    assert.equal(mine.user, 'ada');
    assert.deepEqual(quota(mine, 'apps'), { name: 'apps', what: 'apps', max: 100, used: 1, own: false });
    assert.equal((await ask(ada, 'PATCH', '/v1/users/ada/quotas', { apps: 1000 })).status, 403);
    const raised = await ask(admin, 'PATCH', '/v1/users/ada/quotas', { apps: 1 });
    assert.deepEqual(quota(raised.body, 'apps'), { name: 'apps', what: 'apps', max: 1, used: 1, own: true });
    const refused = await ask(ada, 'POST', '/v1/apps', { name: 'blog' });
    assert.equal(refused.status, 422);
    assert.equal(refused.body.error, 'SLIP_QUOTA');
    assert.equal(refused.body.message, 'User ada has 1 apps, and the quota allows no more.');
    await ask(admin, 'PATCH', '/v1/users/ada/quotas', { apps: null });
    assert.equal((await ask(ada, 'POST', '/v1/apps', { name: 'blog' })).status, 201);
    for (const wrong of [{ cows: 1 }, { apps: -1 }, { apps: 1.5 }, {}]) {
      assert.equal((await ask(admin, 'PATCH', '/v1/users/ada/quotas', wrong)).status, 422, JSON.stringify(wrong));
    }
    assert.equal((await ask(admin, 'GET', '/v1/users/nobody/quotas')).status, 404);
    fixture.fleet.live = [liveNodeOf(await addNode(fixture.store, 'fra-1'))];
    const early = await ask(admin, 'PATCH', '/v1/users/ada/quotas', { domainsPerApp: 1000 });
    assert.deepEqual([early.status, early.body.error], [409, 'SLIP_QUOTA_AGENTS']);
    fixture.fleet.live = [];
    assert.equal((await ask(admin, 'PATCH', '/v1/users/ada/quotas', { domainsPerApp: 1000 })).status, 200);
  });

  it('lets a user have so many requests open and no more; others notice nothing', async () => {
    await ask(admin, 'PATCH', '/v1/users/ada/quotas', { requests: 3 });
    const open = [];
    for (let index = 0; index < 3; index += 1) open.push(await fixture.call(ada, 'GET', '/v1/events?follow=true'));
    const refused = await ask(ada, 'GET', '/v1/apps');
    assert.equal(refused.body.message, 'User ada has 3 open requests to the API, and the quota allows no more.');
    assert.equal((await ask(admin, 'GET', '/v1/apps')).status, 200);
    for (const { body } of open) body.destroy();
    await eventually('room again', async () => (await ask(ada, 'GET', '/v1/apps')).status === 200);
  });
});
