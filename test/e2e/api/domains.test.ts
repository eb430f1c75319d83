import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DomainAddedBody, DomainsBody } from '../../../shared/api/domains.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import { liveNodeOf } from '../../support/live-node.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';

describe('domains over the API', () => {
  let fixture: ApiFixture;
  let ada: Caller;
  let bob: Caller;
  before(async () => {
    fixture = await openApi();
    ada = (await fixture.addCaller('ada')).caller;
    bob = (await fixture.addCaller('bob')).caller;
    for (const [caller, name] of [
      [ada, 'shop'],
      [bob, 'blog'],
    ] as const)
      await fixture.call(caller, 'POST', '/v1/apps', { json: { name } });
  });
  after(() => fixture.close());

  const add = async (caller: Caller, app: string, hostname: string): Promise<string> => {
    const answer = await fixture.call(caller, 'POST', `/v1/apps/${app}/domains`, { json: { hostname } });
    const body = (await answer.body.json()) as Partial<ErrorBody>;
    return body.error ?? 'added';
  };
  const domains = async (): Promise<DomainsBody> =>
    (await (await fixture.call(ada, 'GET', '/v1/apps/shop/domains')).body.json()) as DomainsBody;

  it('an app has its own name, and those it was given', async () => {
    assert.equal(await add(ada, 'shop', 'WWW.Shop.example'), 'added');
    assert.equal(await add(ada, 'shop', '*.shop.example'), 'added');
    const { own, domains: list } = await domains();
    assert.equal(own, 'shop.apps.example.test');
    assert.deepEqual(
      list.map((domain) => domain.hostname),
      ['*.shop.example', 'www.shop.example'],
    );
    const [event] = await fixture.store.events({ limit: 1 });
    assert.equal(event?.message, 'ada added the domain *.shop.example to shop.');
  });

  it('refuses the domain of another app, a name below the base domain, and an invalid host name', async () => {
    assert.equal(await add(ada, 'shop', 'taken.example'), 'added');
    assert.equal(await add(bob, 'blog', 'taken.example'), 'SLIP_DOMAIN_TAKEN');
    assert.equal(await add(ada, 'shop', 'taken.example'), 'SLIP_DOMAIN_EXISTS');
    for (const hostname of [
      'blog.apps.example.test',
      'apps.example.test',
      '*.apps.example.test',
      'x.slipway.internal',
    ]) {
      assert.equal(await add(ada, 'shop', hostname), 'SLIP_DOMAIN_RESERVED', hostname);
    }
    for (const hostname of ['*', '*.', 'a b.example', '*.*.example', '10.0.0.1', 'x.example\nevil.example']) {
      assert.equal(await add(ada, 'shop', hostname), 'SLIP_NAME_HOST', hostname);
    }
  });

  it('other users get the answer for an unknown app', async () => {
    assert.equal(await add(bob, 'shop', 'mine.example'), await add(bob, 'nothing', 'mine.example'));
    assert.equal((await fixture.call(bob, 'DELETE', '/v1/apps/shop/domains')).statusCode, 404);
  });

  it('the answer names a node that refuses the routes, and the domain belongs to the app anyway', async () => {
    const refusedRoutesReason = { code: 'SLIP_ROUTES_OLD_EPOCH', message: 'The controller has epoch 2.' };
    const { node } = await fixture.addNodeCaller('alpha');
    fixture.fleet.live = [liveNodeOf(node, { refusedRoutesReason })];
    const answer = await fixture.call(ada, 'POST', '/v1/apps/shop/domains', { json: { hostname: 'late.example' } });
    assert.equal(answer.statusCode, 200);
    const { hostname, problems } = (await answer.body.json()) as DomainAddedBody;
    fixture.fleet.live = [];
    assert.equal(hostname, 'late.example');
    const message =
      'Node alpha does not use this change yet: requests there still follow the old routes. The controller has epoch 2.';
    assert.deepEqual(problems, [{ message, next: 'slipway why alpha' }]);
  });

  it('one is removed, then all', async () => {
    const remove = async (path: string): Promise<number> =>
      (await fixture.call(ada, 'DELETE', `/v1/apps/shop/domains${path}`)).statusCode;
    assert.equal(await remove(`/${encodeURIComponent('*.shop.example')}`), 200);
    assert.equal(await remove('/gone.example'), 404);
    assert.equal(await remove(''), 200);
    assert.deepEqual((await domains()).domains, []);
    assert.equal(await add(bob, 'blog', 'taken.example'), 'SLIP_DOMAIN_KEPT');
    assert.equal(await add(ada, 'shop', 'taken.example'), 'added');
  });
});
