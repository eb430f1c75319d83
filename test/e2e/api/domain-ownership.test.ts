import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DomainOwnership } from '../../../controller/ownership/domain-ownership.ts';
import { proofRecords } from '../../../controller/ownership/proof-records.ts';
import type { DomainAddedBody, DomainRemovedBody, DomainsBody } from '../../../shared/api/domains.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import { parseAppName } from '../../../shared/domain/names.ts';
import { API_CONFIG, openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { FakeDns } from '../../support/fake-dns.ts';

const { baseDomain } = API_CONFIG;

describe('whose a domain is, over the API', () => {
  const dns = new FakeDns();
  let fixture: ApiFixture;
  let root: Caller;
  let ada: Caller;
  let bob: Caller;
  before(async () => {
    fixture = await openApi({
      domainOwnership: {
        claim: (app, wanted) =>
          new DomainOwnership({ store: fixture.store, resolver: dns, baseDomain }).claim(app, wanted),
      },
    });
    ada = (await fixture.addCaller('ada')).caller;
    await fixture.call(ada, 'POST', '/v1/apps', { json: { name: 'shop' } });
  });
  after(() => fixture.close());

  const add = async (caller: Caller, app: string, body: object): Promise<ErrorBody & DomainAddedBody> =>
    (await (await fixture.call(caller, 'POST', `/v1/apps/${app}/domains`, { json: body })).body.json()) as ErrorBody &
      DomainAddedBody;
  const list = async (caller: Caller, app: string): Promise<DomainsBody> =>
    (await (await fixture.call(caller, 'GET', `/v1/apps/${app}/domains`)).body.json()) as DomainsBody;
  const prove = async (app: string, hostname: string): Promise<void> => {
    const { ownerId: userId } = (await fixture.store.appByName(parseAppName(app)))!;
    const { txt } = proofRecords({ key: await fixture.store.domainProofKey(), userId, baseDomain }, hostname);
    dns.addText(txt.name, txt.value);
  };

  it('a fleet with one user adds domains without a proof', async () => {
    assert.equal((await add(ada, 'shop', { hostname: 'shop.example.com' })).hostname, 'shop.example.com');
    bob = (await fixture.addCaller('bob')).caller;
    root = (await fixture.addCaller('root', true)).caller;
    await fixture.call(bob, 'POST', '/v1/apps', { json: { name: 'blog' } });
  });

  it('all ways to write a name are one name, and it is in use', async () => {
    await prove('shop', 'xn--bcher-kva.example');
    assert.equal((await add(ada, 'shop', { hostname: 'Bücher.example.' })).hostname, 'xn--bcher-kva.example');
    const typed = ['SHOP.example.com', 'shop.example.com.', 'ｓｈｏｐ.example.com', 'bu\u0308cher.example'];
    for (const hostname of [...typed, 'XN--bcher-kva.example'])
      assert.equal((await add(bob, 'blog', { hostname })).error, 'SLIP_DOMAIN_TAKEN', hostname);
  });

  it('no user gets a public suffix, also not with --force', async () => {
    for (const hostname of ['co.uk', '*.co.uk', 'github.io', '*.GitHub.io.'])
      for (const body of [{ hostname }, { hostname, force: true }])
        assert.equal((await add(root, 'blog', body)).error, 'SLIP_DOMAIN_PUBLIC_SUFFIX', hostname);
  });

  it('the refusal has the record as facts, and the domain is added when the record is there', async () => {
    const { error, details } = await add(bob, 'blog', { hostname: 'blog.example.com' });
    assert.equal(error, 'SLIP_DOMAIN_PROOF');
    dns.addText(String(details['txtName']), String(details['txtValue']));
    const added = await add(bob, 'blog', { hostname: 'blog.example.com' });
    assert.deepEqual([added.hostname, added.proof], ['blog.example.com', 'txt']);
  });

  it('a user who proves the name of another user gets it, and the other one is told', async () => {
    await prove('blog', 'shop.example.com');
    assert.equal((await add(bob, 'blog', { hostname: 'shop.example.com' })).proof, 'txt');
    assert.ok((await list(ada, 'shop')).domains.every(({ hostname }) => hostname !== 'shop.example.com'));
    const events = await fixture.store.events({ limit: 20 });
    assert.equal(events.find(({ kind }) => kind === 'domain.lost')?.app, 'shop');
    assert.equal(
      (await fixture.store.routedApps()).flatMap(({ domains }) => domains).includes('shop.example.com'),
      false,
    );
  });

  it('a removed name is listed as kept, and returns to its last owner alone without a proof', async () => {
    const path = `/v1/apps/shop/domains/${encodeURIComponent('BÜCHER.example')}`;
    const removed = (await (await fixture.call(ada, 'DELETE', path)).body.json()) as DomainRemovedBody;
    const { domains, kept = [] } = await list(ada, 'shop');
    assert.deepEqual(
      [domains, kept.map(({ hostname, app }) => [hostname, app])],
      [[], [['xn--bcher-kva.example', 'shop']]],
    );
    assert.equal(removed.keptUntilMs, kept[0]?.untilMs);
    assert.deepEqual((await list(bob, 'blog')).kept, []);
    dns.texts.clear();
    assert.equal((await add(bob, 'blog', { hostname: 'bücher.example' })).error, 'SLIP_DOMAIN_KEPT');
    assert.equal((await add(ada, 'shop', { hostname: 'bücher.example' })).proof, 'txt');
    await fixture.call(ada, 'DELETE', '/v1/apps/shop');
    assert.equal((await add(bob, 'blog', { hostname: 'bücher.example' })).error, 'SLIP_DOMAIN_KEPT');
    const taken = await fixture.call(bob, 'POST', '/v1/apps', { json: { name: 'shop' } });
    assert.equal(((await taken.body.json()) as ErrorBody).error, 'SLIP_APP_NAME_KEPT');
  });

  it('only an administrator may add a domain without a proof, and the event says so', async () => {
    const body = { hostname: 'intranet.example.com', force: true };
    assert.equal((await add(bob, 'blog', body)).error, 'SLIP_FORBIDDEN');
    assert.equal((await add(root, 'blog', body)).proof, 'admin');
    const [event] = await fixture.store.events({ limit: 1 });
    const message = 'root added the domain intranet.example.com to blog without a proof (--force).';
    assert.deepEqual([event?.actor, event?.message], ['root', message]);
  });
});
