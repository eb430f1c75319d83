import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { after, before, test } from 'node:test';
import { AcmeAccounts, type OpenAccount } from '../../controller/certificates/orders/accounts.ts';
import { createPreflight } from '../../controller/certificates/preflight/preflight.ts';
import { createResolver } from '../../controller/certificates/preflight/resolver.ts';
import { DEFAULT_TLS_SETTINGS } from '../../controller/domain/tls-settings.ts';
import type { Store } from '../../controller/store/port.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { startPebble, type Pebble } from '../support/pebble.ts';
import { openMemoryStore } from '../support/store-fixtures.ts';

let pebble: Pebble;
let store: Store;
let accounts: AcmeAccounts;
let account: OpenAccount;
const servers: ReturnType<typeof createServer>[] = [];
const off = new AbortController();

before(async () => {
  pebble = await startPebble();
  store = await openMemoryStore();
  const { directoryUrl, trustedCaPem } = pebble;
  await store.setTlsSettings({ ...DEFAULT_TLS_SETTINGS, directoryUrl, trustedCaPem, termsAgreed: true });
  const { signal } = off;
  accounts = new AcmeAccounts({ store, clock: systemClock, signal, userAgent: 'slipway-test' });
  account = await accounts.open(directoryUrl);
  await serve('127.0.0.1', ({ url = '' }, answer) => {
    answer.end(`${url.split('/').at(-1) ?? ''}.${account.thumbprint}`);
  });
  await serve('127.0.0.2', (_, answer) => answer.writeHead(404).end('no such page'));
  await serve('127.0.0.3', (_, answer) => answer.writeHead(301, { location: 'https://parking.test/' }).end());
  await serve('127.0.0.5', (_, answer) => answer.writeHead(200, { server: 'cloudflare' }).end('x'.repeat(1_000_000)));
  await serve('127.0.0.6', (_, answer) => answer.writeHead(404).end('x'.repeat(1_000_000)));
  await serve('127.0.0.7', (_, answer) => answer.writeHead(302, { location: 'https://sso.test/in?token=abc' }).end());
  await serve('127.0.0.4', (_, answer) => answer.writeHead(522, { server: 'cloudflare' }).end());
});
after(async () => {
  off.abort();
  for (const server of servers) server.close();
  await accounts.close();
  await store.close();
  await pebble.close();
});

async function serve(address: string, answer: RequestListener): Promise<void> {
  const server = createServer(answer).listen(pebble.httpPort, address);
  servers.push(server);
  await once(server, 'listening');
}

async function check(
  hostname: string,
  change: Partial<OpenAccount> = {},
  isInternet = false,
  { dnsServer, signal } = { dnsServer: pebble.dnsServer, signal: off.signal },
): Promise<Reason | undefined> {
  const resolver = createResolver([dnsServer], signal);
  const port = pebble.httpPort;
  const dns = { check: () => Promise.resolve(undefined) };
  const preflight = createPreflight({ resolver, dns, port, arePrivateAddressesAllowed: !isInternet, signal });
  return await preflight(hostname, { ...account, ...change });
}

async function pointTo(host: string, ...addresses: readonly string[]): Promise<void> {
  await pebble.dns('add-a', { host, addresses });
}

/** The CA as far as the checks ask it. */
function caWith(identities: readonly string[], clockDifferenceMs = 0): Partial<OpenAccount> {
  const client = {
    directory: async () => ({ ...(await account.client.directory()), meta: { caaIdentities: [...identities] } }),
    clockDifferenceMs: () => Promise.resolve(clockDifferenceMs),
  };
  // `Object.create` returns `any`. The other methods come from the real client.
  return { client: Object.assign(Object.create(account.client) as OpenAccount['client'], client) };
}

test('an address of a node that answers no HTTPS is named', async () => {
  await serve('127.0.0.8', ({ url = '' }, answer) => {
    answer.setHeader('x-slipway-https', 'off').end(`${url.split('/').at(-1) ?? ''}.${account.thumbprint}`);
  });
  await pointTo('plain.example.com', '127.0.0.1', '127.0.0.8');
  const found = await check('plain.example.com');
  assert.equal(found?.code, 'SLIP_CERT_PLAIN_NODE');
  assert.match(found.message, /the address 127\.0\.0\.8 of a node that answers no HTTPS/);
});

test('a name whose addresses are nodes of this fleet passes', async () => {
  await pointTo('good.example.com', '127.0.0.1');
  assert.equal(await check('good.example.com'), undefined);
});

test('a CA of the internet gives nothing to a name that nobody can register', async () => {
  for (const name of ['shop.local', 'shop.internal', 'localhost', 'co.uk', 'github.io']) {
    assert.equal((await check(name, {}, true))?.code, 'SLIP_CERT_NOT_PUBLIC', name);
  }
  await pointTo('shop.internal', '127.0.0.1');
  assert.equal(await check('shop.internal'), undefined, 'a CA of a company may give one');
});

test('a foreign page of any length is an answer, and only the host of a redirect is shown', async () => {
  await pointTo('page.example.com', '127.0.0.6');
  assert.match((await check('page.example.com'))?.message ?? '', /another server answered \(status 404\)/);
  await pointTo('cloudpage.example.com', '127.0.0.5');
  assert.equal((await check('cloudpage.example.com'))?.code, 'SLIP_CERT_CLOUDFLARE');
  await pointTo('login.example.com', '127.0.0.7');
  assert.match((await check('login.example.com'))?.message ?? '', /redirects to https:\/\/sso\.test\.$/);
});

test('a foreign address is named, also when the others are right', async () => {
  await pointTo('mixed.example.com', '127.0.0.1', '127.0.0.2');
  const mixed = await check('mixed.example.com');
  assert.equal(mixed?.code, 'SLIP_CERT_ADDRESS');
  assert.match(mixed.message, /the IPv4 address 127\.0\.0\.2, which is not this fleet: .*status 404/);
  await pointTo('parked.example.com', '127.0.0.3');
  assert.match((await check('parked.example.com'))?.message ?? '', /redirects to https:\/\/parking\.test/);
  await pointTo('off.example.com', '127.0.0.9');
  assert.match((await check('off.example.com'))?.message ?? '', /nothing answered \(ECONNREFUSED\)/);
});

test('a wrong AAAA record is the finding, because the CA uses it first', async () => {
  await pointTo('six.example.com', '127.0.0.1');
  await pebble.dns('add-aaaa', { host: 'six.example.com', addresses: ['::1'] });
  const reason = await check('six.example.com');
  assert.match(reason?.message ?? '', /the IPv6 address ::1, .* uses IPv6 first\.$/);
  assert.match(reason?.hint ?? '', /Remove the AAAA record/);
});

test('Cloudflare is named', async () => {
  await pointTo('cloud.example.com', '127.0.0.4');
  assert.equal((await check('cloud.example.com'))?.code, 'SLIP_CERT_CLOUDFLARE');
});

test('a CA of the internet cannot reach a private address, so it is not asked there', async () => {
  await pointTo('private.example.com', '127.0.0.1');
  const reason = await check('private.example.com', {}, true);
  assert.equal(reason?.code, 'SLIP_CERT_PRIVATE_ADDRESS');
  assert.match(reason.message, /127\.0\.0\.1/);
});

test('a name server that fails is a finding of its own', async () => {
  await pebble.dns('set-servfail', { host: 'broken.example.com' });
  const reason = await check('broken.example.com');
  assert.equal(reason?.code, 'SLIP_CERT_DNS_SILENT');
  assert.match(reason.message, /SERVFAIL/);
});

test('CAA records of the name, or of a name above it, are named with their place', async () => {
  const ours = caWith(['letsencrypt.org']);
  const caa = (host: string, tag: string, value: string): Promise<void> =>
    pebble.dns('add-caa', { host, policies: [{ tag, value }] });
  await caa('caa.example.com', 'issue', 'digicert.com');
  const own = await check('caa.example.com', ours);
  assert.equal(own?.message, 'The CAA records (issue) at caa.example.com allow only digicert.com.');
  assert.match(own.hint ?? '', /CAA 0 issue "letsencrypt\.org"/);
  assert.match((await check('deep.caa.example.com', ours))?.message ?? '', / at caa\.example\.com allow /);
  await caa('near.caa.example.com', 'issue', 'letsencrypt.org');
  assert.equal(await check('near.caa.example.com', ours), undefined, 'the nearest records decide');
  await caa('wild.example.com', 'issuewild', ';');
  assert.equal(await check('wild.example.com', ours), undefined, 'only wildcards are forbidden');
  await pointTo('shop.sick.example.com', '127.0.0.1');
  await pebble.dns('set-servfail', { host: 'sick.example.com' });
  const silent = await check('shop.sick.example.com', ours);
  assert.equal(silent?.code, 'SLIP_CERT_CAA_SILENT');
  assert.match(silent.message, /CAA records of sick\.example\.com \(SERVFAIL\)/);
  await pebble.dns('set-cname', { host: 'alias.example.com', target: 'caa.example.com' });
  assert.equal((await check('alias.example.com', ours))?.code, 'SLIP_CERT_CAA_FORBIDS');
});

test('a clock that is wrong is found before anything else is asked', async () => {
  const behind = await check('good.example.com', caWith([], 6 * 60_000));
  assert.equal(
    behind?.message,
    'The clock of the controller is 6 minutes behind the clock of the certificate authority.',
  );
  assert.match((await check('good.example.com', caWith([], -6 * 60_000)))?.message ?? '', /ahead of/);
  assert.equal(await check('good.example.com', caWith([], 4 * 60_000)), undefined);
});

test('a stop of the controller ends the question to a silent name server, and is no finding', async (t) => {
  const stop = new AbortController();
  const silent = createSocket('udp4', () => stop.abort(new Error('stopping'))).bind(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const dnsServer = `127.0.0.1:${String(silent.address().port)}`;
  await assert.rejects(check('slow.example.com', {}, false, { dnsServer, signal: stop.signal }), /^Error: stopping$/);
});
