import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createCloudflare } from '../../../../../controller/certificates/dns/cloudflare.ts';
import { createDigitalOcean } from '../../../../../controller/certificates/dns/digitalocean.ts';
import { createHetzner } from '../../../../../controller/certificates/dns/hetzner.ts';
import { Sensitive } from '../../../../../shared/kit/sensitive.ts';
import { API_TOKEN, startDnsApi } from '../../../../support/dns-api-server.ts';
import { aProvider } from '../../../../support/dns-program.ts';

const NAME = '_acme-challenge.shop.example.com';
const { signal } = new AbortController();
const provider = aProvider({ secret: new Sensitive(API_TOKEN) });

test('Cloudflare: finds the zone, adds the value once, and removes only this value', async (t) => {
  let content: string[] = ['"other"'];
  const { baseUrl, calls } = await startDnsApi(t, ({ method, path, body }) => {
    if (path === '/zones?name=example.com') return { json: { success: true, result: [{ id: 'z1' }] } };
    if (method === 'POST') content = [...content, (body as { content: string }).content];
    if (method === 'DELETE') content = content.filter((_, at) => !path.endsWith(`/r${String(at)}`));
    return { json: { success: true, result: content.map((text, at) => ({ id: `r${String(at)}`, content: text })) } };
  });
  const driver = createCloudflare(provider, { signal, baseUrl });
  await driver.present(NAME, 'v1');
  await driver.present(NAME, 'v1');
  assert.deepEqual(content, ['"other"', '"v1"']);
  const made = calls.filter(({ method }) => method === 'POST');
  const body = { type: 'TXT', name: NAME, content: '"v1"', ttl: 60 };
  assert.deepEqual(made, [{ method: 'POST', path: '/zones/z1/dns_records', body }]);
  assert.equal(calls[1]?.path, `/zones/z1/dns_records?type=TXT&name=${NAME}&per_page=100`);
  await driver.cleanup(NAME, 'v1');
  await driver.cleanup(NAME, 'v1');
  assert.deepEqual(content, ['"other"']);
});

test('Cloudflare: a token that does not see the zone is a clear error', async (t) => {
  const { baseUrl } = await startDnsApi(t, () => ({ json: { success: true, result: [] } }));
  const present = createCloudflare(provider, { signal, baseUrl }).present(NAME, 'v1');
  await assert.rejects(present, { code: 'SLIP_DNS_PROVIDER', message: /sees no zone example\.com/ });
});

test('Hetzner: adds to the records of a name, and takes away only its own', async (t) => {
  let values: string[] | undefined;
  const path = '/zones/example.com/rrsets/_acme-challenge.shop/TXT';
  const { baseUrl, calls } = await startDnsApi(t, (call) => {
    const records = (call.body as { records: { value: string }[] } | undefined)?.records.map(({ value }) => value);
    if (call.path.endsWith('/add_records')) values = [...(values ?? []), ...(records ?? [])];
    if (call.path.endsWith('/remove_records')) values = values?.filter((value) => records?.includes(value) !== true);
    if (call.method === 'POST') return { status: 201, json: { action: { id: 1, status: 'running' } } };
    if (values === undefined) return { status: 404, json: { error: { code: 'not_found', message: 'not found' } } };
    return { json: { rrset: { records: values.map((value) => ({ value })) } } };
  });
  const driver = createHetzner(provider, { signal, baseUrl });
  await driver.present(NAME, 'v1');
  await driver.present(NAME, 'v1');
  await driver.present(NAME, 'v2');
  const added = calls.filter(({ method }) => method === 'POST');
  assert.deepEqual(added, [
    { method: 'POST', path: `${path}/actions/add_records`, body: { records: [{ value: '"v1"' }], ttl: 60 } },
    { method: 'POST', path: `${path}/actions/add_records`, body: { records: [{ value: '"v2"' }] } },
  ]);
  await driver.cleanup(NAME, 'v1');
  await driver.cleanup(NAME, 'v1');
  assert.deepEqual(values, ['"v2"']);
});

test('DigitalOcean: makes the record by its name within the zone, and finds it by its full name', async (t) => {
  let records: { id: number; data: string }[] = [{ id: 7, data: 'other' }];
  const { baseUrl, calls } = await startDnsApi(t, ({ method, path, body }) => {
    if (method === 'POST') records = [...records, { id: 8, data: (body as { data: string }).data }];
    if (method === 'DELETE') records = records.filter(({ id }) => !path.endsWith(`/${String(id)}`));
    if (method === 'POST') return { status: 201, json: { domain_record: { id: 8 } } };
    return { json: { domain_records: records } };
  });
  const driver = createDigitalOcean(provider, { signal, baseUrl });
  await driver.present(NAME, 'v1');
  await driver.present(NAME, 'v1');
  const body = { type: 'TXT', name: '_acme-challenge.shop', data: 'v1', ttl: 60 };
  const made = calls.filter(({ method }) => method === 'POST');
  assert.deepEqual(made, [{ method: 'POST', path: '/domains/example.com/records', body }]);
  assert.equal(calls[0]?.path, `/domains/example.com/records?type=TXT&name=${NAME}&per_page=200`);
  await driver.cleanup(NAME, 'v1');
  assert.deepEqual(records, [{ id: 7, data: 'other' }]);
});

test('a refused token is an error with the words of the API, without the token', async (t: TestContext) => {
  const { baseUrl } = await startDnsApi(t, () => ({ json: {} }));
  const wrong = aProvider({ secret: new Sensitive('another-secret-token') });
  for (const create of [createCloudflare, createHetzner, createDigitalOcean]) {
    await assert.rejects(create(wrong, { signal, baseUrl }).present(NAME, 'v1'), (error: Error) => {
      assert.match(error.message, /answered with status 401 \(unauthorized\)/);
      assert.ok(!error.message.includes('another-secret-token'));
      return true;
    });
  }
});
