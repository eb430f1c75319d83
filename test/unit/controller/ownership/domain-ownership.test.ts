import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { App } from '../../../../controller/domain/apps.ts';
import type { DomainClaim } from '../../../../controller/domain/domains.ts';
import { DomainOwnership } from '../../../../controller/ownership/domain-ownership.ts';
import { proofRecords, type ProofRecords } from '../../../../controller/ownership/proof-records.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { FakeDns } from '../../../support/fake-dns.ts';
import { addApp, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

const HOST = 'shop.example.com';
const baseDomain = 'apps.example.net';

describe('whose a domain is', () => {
  let store: Store;
  let dns: FakeDns;
  let shop: App;
  let blog: App;
  beforeEach(async () => {
    store = await openMemoryStore();
    dns = new FakeDns();
    shop = await addApp(store, (await addUser(store)).id, 'shop');
  });
  afterEach(() => store.close());

  const addBob = async (): Promise<void> => {
    blog = await addApp(store, (await addUser(store, 'bob')).id, 'blog');
  };
  const add = async (app: App, hostname = HOST, isForced = false): Promise<DomainClaim> => {
    const claim = await new DomainOwnership({ store, resolver: dns, baseDomain }).claim(app, { hostname, isForced });
    await store.addDomain(app.id, hostname, claim);
    return claim;
  };
  const recordsOf = async (app: App, hostname = HOST): Promise<ProofRecords> =>
    proofRecords({ key: await store.domainProofKey(), userId: app.ownerId, baseDomain }, hostname);
  const prove = async (app: App, hostname = HOST): Promise<void> => {
    const { txt } = await recordsOf(app, hostname);
    dns.addText(txt.name, txt.value);
  };

  it('asks DNS nothing while the fleet has one user', async () => {
    assert.deepEqual(await add(shop), {});
    assert.deepEqual(dns.asked, []);
  });

  it('says which record to add, and takes the domain when it is there', async () => {
    await addBob();
    const { txt, cname } = await recordsOf(blog);
    await assert.rejects(add(blog), {
      code: 'SLIP_DOMAIN_PROOF',
      message: `The fleet has several users, so bob must prove ${HOST} with a DNS record. There is no record at ${txt.name} yet.`,
      hint: `Add a TXT record: ${txt.name} with the value ${txt.value}, or make ${HOST} a CNAME of ${cname?.value ?? ''}. Then run the same command again.`,
      details: { txtName: txt.name, txtValue: txt.value, cnameName: HOST, cnameValue: cname?.value },
    });
    await prove(shop);
    await assert.rejects(add(blog), { message: /has other values only/ });
    dns.silent.add(txt.name);
    await assert.rejects(add(blog), { message: /gave no answer \(SERVFAIL\)/ });
    dns.silent.clear();
    await prove(blog);
    assert.deepEqual(await add(blog), { proof: 'txt' });
  });

  it('gives a domain that was never proved to the user who proves it', async () => {
    await add(shop);
    await addBob();
    await assert.rejects(add(blog), {
      code: 'SLIP_DOMAIN_TAKEN',
      message: `The domain ${HOST} is in use by another app.`,
    });
    await prove(blog);
    assert.deepEqual(await add(blog), { proof: 'txt', takenFrom: shop.id });
    await assert.rejects(add(shop), { code: 'SLIP_DOMAIN_TAKEN' });
  });

  it('keeps a domain for the owner whose record is there, and for one whose record is gone until another proves it', async () => {
    await addBob();
    await prove(shop);
    await add(shop);
    await prove(blog);
    const { txt } = await recordsOf(shop);
    await assert.rejects(add(blog), {
      code: 'SLIP_DOMAIN_DISPUTED',
      hint: `If it is yours alone, remove the record ${txt.name} with the value ${txt.value}. Then run the same command again.`,
    });
    dns.texts.clear();
    await assert.rejects(add(blog), { code: 'SLIP_DOMAIN_TAKEN' });
    assert.equal((await store.domain(HOST))?.appId, shop.id);
    await prove(blog);
    assert.equal((await add(blog)).takenFrom, shop.id);
  });

  it('changes no owner while the name servers do not answer', async () => {
    await add(shop);
    await addBob();
    const alias = (await recordsOf(blog)).cname?.value ?? '';
    dns.aliases.set(HOST, alias);
    dns.silent.add('_slipway.example.com');
    await assert.rejects(add(blog), { code: 'SLIP_DOMAIN_DNS_SILENT', kind: 'transient' });
    dns.silent.clear();
    assert.deepEqual(await add(blog), { proof: 'cname', takenFrom: shop.id });
  });

  it('keeps a removed domain and those of a destroyed app for the last owner, unless another user proves them', async () => {
    await add(shop);
    await addBob();
    await store.destroyApp(shop.id, (await store.users())[0]!.name);
    await assert.rejects(add(blog), {
      code: 'SLIP_DOMAIN_KEPT',
      message: /and is kept for this user until 20..-..-..T/,
    });
    shop = await addApp(store, shop.ownerId, 'again');
    assert.deepEqual(await add(shop), {});
    await store.removeDomain(shop.id, HOST);
    await prove(blog);
    assert.deepEqual(await add(blog), { proof: 'txt' });
    assert.deepEqual(await store.keptDomains(shop.ownerId), []);
  });

  it('asks for a proof below the proven name of another user, and for a wildcard over it', async () => {
    await addBob();
    await prove(shop, 'example.com');
    await add(shop, 'example.com');
    assert.deepEqual(await add(shop, 'deep.shop.example.com'), { proof: 'txt' }, 'its owner has proved what is below');
    await assert.rejects(add(blog, 'blog.example.com'), { code: 'SLIP_DOMAIN_PROOF' });
    await assert.rejects(add(blog, '*.example.com'), { code: 'SLIP_DOMAIN_PROOF' });
    await assert.rejects(add(blog, '*.shop.example.com'), { code: 'SLIP_DOMAIN_PROOF' });
    await prove(blog, 'blog.example.com');
    assert.deepEqual(await add(blog, 'blog.example.com'), { proof: 'txt' });
  });

  it('lets an administrator add a domain without a record, but not take one from an app', async () => {
    await add(shop);
    await addBob();
    await assert.rejects(add(blog, HOST, true), { code: 'SLIP_DOMAIN_TAKEN' });
    assert.deepEqual(await add(blog, 'intranet.example.com', true), { proof: 'admin' });
    assert.deepEqual(dns.asked, []);
  });
});
