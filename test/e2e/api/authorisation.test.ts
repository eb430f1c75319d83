import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { apiRoutes } from '../../../controller/api/routes.ts';
import type { Route } from '../../../controller/api/route.ts';
import type { ApiDeps } from '../../../controller/api/deps.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import { API_CONFIG, openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { addApp, digestOf } from '../../support/store-fixtures.ts';

/** The table alone: handlers are not called here, so no deps are needed. */
const ROUTES = apiRoutes(API_CONFIG, { clock: systemClock } as ApiDeps);

type Who =
  'nobody' | 'owner' | 'stranger' | 'admin' | 'node' | 'removedNode' | 'foreignNode' | 'wrongToken' | 'tokenAndNode';

type Refusals = Readonly<Record<Who, number | undefined>>;

const MAY = undefined;
const NOT_A_NODE: Refusals = {
  ...{ nobody: 401, owner: 401, stranger: 401, admin: 401, wrongToken: 401, removedNode: 401, foreignNode: 401 },
  ...{ node: MAY, tokenAndNode: MAY },
};
const NOT_A_PERSON = { nobody: 401, wrongToken: 401, node: 401, removedNode: 401, foreignNode: 401 };
const FOR_PEOPLE: Refusals = { ...NOT_A_PERSON, owner: MAY, stranger: MAY, admin: MAY, tokenAndNode: MAY };

/** Status of a refusal by kind of route, or undefined where the caller may pass. */
const REFUSALS: Readonly<Record<Route['auth'] | 'app', Refusals>> = {
  anonymous: {
    ...NOT_A_NODE,
    ...FOR_PEOPLE,
    nobody: MAY,
    wrongToken: MAY,
    node: MAY,
    removedNode: MAY,
    foreignNode: MAY,
  },
  node: NOT_A_NODE,
  user: FOR_PEOPLE,
  app: { ...FOR_PEOPLE, stranger: 404, tokenAndNode: 404 },
  admin: { ...FOR_PEOPLE, owner: 403, stranger: 403, tokenAndNode: 403 },
};

describe('authorisation of every route', () => {
  let fixture: ApiFixture;
  let callers: Record<Who, Caller>;

  before(async () => {
    fixture = await openApi();
    const owner = await fixture.addCaller('ada');
    const stranger = await fixture.addCaller('eve');
    const node = await fixture.addNodeCaller('node-a');
    const removed = await fixture.addNodeCaller('node-b');
    await fixture.store.setNodeState(removed.node.id, 'removed');
    await addApp(fixture.store, owner.user.id, 'hello');
    const elsewhere = await openApi();
    const foreign = await elsewhere.addNodeCaller('node-a');
    await elsewhere.close();
    callers = {
      nobody: {},
      owner: owner.caller,
      stranger: stranger.caller,
      admin: (await fixture.addCaller('root', true)).caller,
      node: node.caller,
      removedNode: removed.caller,
      foreignNode: foreign.caller,
      wrongToken: { token: `slip_${'x'.repeat(43)}` },
      tokenAndNode: { ...stranger.caller, ...node.caller },
    };
  });
  after(() => fixture.close());

  for (const route of ROUTES) {
    it(`${route.method} ${route.url}: ${route.auth}, ${route.action}`, async () => {
      const root = route.spec.atRoot === true ? '' : '/v1';
      const path = `${root}${route.url.replace(':app', 'hello').replace(':digest', digestOf('a')).replace(/:\w+/, 'nothing00')}`;
      for (const [who, caller] of Object.entries(callers) as [Who, Caller][]) {
        const answer = await fixture.call(
          caller,
          route.method,
          path,
          route.method === 'GET' || route.method === 'HEAD' ? {} : { json: { unheard: 1 } },
        );
        await answer.body.dump();
        const refusal = REFUSALS[route.url.includes('/:app') && route.auth === 'user' ? 'app' : route.auth][who];
        if (refusal === undefined)
          assert.ok(![401, 403].includes(answer.statusCode), `${who} was refused with ${answer.statusCode}`);
        else assert.equal(answer.statusCode, refusal, who);
      }
    });
  }

  it('gives the same answer for the app of another user, a missing app and an invalid name', async () => {
    const words = async (name: string): Promise<ErrorBody> => {
      const answer = await fixture.call(callers.stranger, 'GET', `/v1/apps/${name}`);
      assert.equal(answer.statusCode, 404);
      return (await answer.body.json()) as ErrorBody;
    };
    assert.deepEqual(await words('hello'), await words('no-such-app'));
    assert.deepEqual(await words('hello'), await words('IMPOSSIBLE..%2e'));
  });

  it('promotes only to an app that the caller may change, and says the same about a missing app', async () => {
    const stranger = (await fixture.store.users()).find(({ name }) => name === 'eve');
    await addApp(fixture.store, stranger!.id, 'foreign');
    const words = async (to: string): Promise<ErrorBody> => {
      const answer = await fixture.call(callers.owner, 'POST', '/v1/apps/hello/promote', { json: { to } });
      assert.equal(answer.statusCode, 404);
      return (await answer.body.json()) as ErrorBody;
    };
    assert.deepEqual(await words('foreign'), await words('no-such-app'));
  });

  it('refuses a token in the URL, also a right one', async () => {
    const answer = await fixture.call(callers.owner, 'GET', `/v1/whoami?token=${callers.owner.token!}`);
    assert.equal(answer.statusCode, 400);
    const body = (await answer.body.json()) as ErrorBody;
    assert.equal(body.error, 'SLIP_TOKEN_IN_URL');
    assert.ok(!JSON.stringify(body).includes(callers.owner.token!));
  });
});
