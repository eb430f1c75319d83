import assert from 'node:assert/strict';
import { test } from 'node:test';
import { challengeValue, DnsChallenges } from '../../../../../controller/certificates/dns/dns-challenges.ts';
import type { DnsDriver } from '../../../../../controller/certificates/dns/port.ts';
import { providerFailed } from '../../../../../controller/certificates/dns/provider-failed.ts';
import { DnsFailure } from '../../../../../controller/certificates/preflight/resolver.ts';
import type { ChallengeRecord, DnsProvider } from '../../../../../controller/domain/dns-providers.ts';
import { anOrder } from '../../../../support/certificate-orders.ts';
import { aProvider } from '../../../../support/dns-program.ts';

const ORDER = anOrder({ hostname: '*.shop.example.com' });

interface Fakes {
  readonly providers?: readonly DnsProvider[];
  readonly driver?: Partial<DnsDriver>;
  readonly target?: string;
  readonly without?: readonly string[];
}

function make({ providers = [aProvider()], driver = {}, target, without = [] }: Fakes): {
  readonly dns: DnsChallenges;
  readonly records: Omit<ChallengeRecord, 'failures'>[];
  readonly calls: string[];
} {
  const records: Omit<ChallengeRecord, 'failures'>[] = [];
  const calls: string[] = [];
  const dns = new DnsChallenges({
    store: {
      dnsProviders: () => Promise.resolve(providers),
      addChallengeRecord: async (record) => void records.push(record),
      challengeRecords: () => Promise.resolve(records.map((record) => ({ ...record, failures: 0 }))),
    },
    lookup: {
      follow: (name) => Promise.resolve(target ?? name),
      serversWithout: () => Promise.resolve(without),
    },
    createDriver: ({ name: provider }) => ({
      present: async (name, value) => void calls.push(`${provider} present ${name} ${value} ${records.length}`),
      cleanup: async (name, value) => void calls.push(`${provider} cleanup ${name} ${value}`),
      ...driver,
    }),
  });
  return { dns, records, calls };
}

test('the provider with the longest zone adds the record, and the store knows of it before', async () => {
  const providers = [aProvider(), aProvider({ name: 'shop', zone: 'shop.example.com' })];
  const { dns, records, calls } = make({ providers });
  assert.equal(await dns.present(ORDER, ['v1']), undefined);
  assert.deepEqual(calls, ['shop present _acme-challenge.shop.example.com v1 1']);
  assert.equal(records[0]?.provider, 'shop');
});

test('a name without a provider is a finding with the command', async () => {
  const { dns, calls } = make({ providers: [aProvider({ zone: 'ample.com' })] });
  const reason = await dns.check(ORDER.hostname);
  assert.equal(reason?.code, 'SLIP_CERT_NO_DNS_PROVIDER');
  assert.match(reason.hint ?? '', /slipway tls:dns:add NAME --provider acme-dns --zone shop\.example\.com/);
  assert.equal((await dns.present(ORDER, ['v1']))?.code, 'SLIP_CERT_NO_DNS_PROVIDER');
  assert.deepEqual(calls, []);
});

test('acme-dns needs the alias, and the finding says the record to add', async () => {
  const driver = { aliasTarget: 'abc.auth.example.org' };
  const reason = await make({ driver }).dns.check(ORDER.hostname);
  assert.equal(reason?.code, 'SLIP_CERT_DNS_ALIAS');
  assert.match(reason.hint ?? '', /_acme-challenge\.shop\.example\.com CNAME abc\.auth\.example\.org/);
  assert.equal(await make({ driver, target: 'abc.auth.example.org' }).dns.check(ORDER.hostname), undefined);
});

test('an alias out of the zone is a finding, unless the provider has that zone', async () => {
  const target = 'x.acme.example.net';
  assert.equal((await make({ target }).dns.check(ORDER.hostname))?.code, 'SLIP_CERT_DNS_ALIAS');
  const providers = [aProvider({ recordZone: 'acme.example.net' })];
  assert.equal(await make({ target, providers }).dns.check(ORDER.hostname), undefined);
});

test('a provider that fails is a reason, and the record stays known', async () => {
  const driver = { present: () => Promise.reject(providerFailed('main', 'it is closed')) };
  const { dns, records } = make({ driver });
  assert.equal((await dns.present(ORDER, ['v1']))?.code, 'SLIP_DNS_PROVIDER');
  assert.equal(records.length, 1);
});

test('the servers without the record are named', async () => {
  const { dns } = make({ without: ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'] });
  assert.equal(await dns.missing(ORDER), undefined, 'no record, nothing to wait for');
  await dns.present(ORDER, ['v1']);
  const reason = await dns.missing(ORDER);
  assert.match(reason?.message ?? '', /192\.0\.2\.1, 192\.0\.2\.2, 192\.0\.2\.3 and 1 more did not answer with it/);
});

test('name servers that give no answer are a finding', async () => {
  const { dns } = make({});
  const lookup = {
    follow: () => Promise.reject(new DnsFailure('SERVFAIL', undefined)),
    serversWithout: () => Promise.reject(new DnsFailure('TIMEOUT', undefined)),
  };
  const store = {
    dnsProviders: () => Promise.resolve([aProvider()]),
    addChallengeRecord: () => Promise.resolve(),
    challengeRecords: () => Promise.resolve([{ orderId: 'o', provider: 'main', name: 'n', value: 'v', failures: 0 }]),
  };
  const silent = new DnsChallenges({ store, lookup, createDriver: () => ({ present: nothing, cleanup: nothing }) });
  assert.equal((await silent.check(ORDER.hostname))?.code, 'SLIP_CERT_DNS_SILENT');
  assert.equal((await silent.missing(ORDER))?.code, 'SLIP_CERT_DNS_SILENT');
  await dns.cleanup({ orderId: 'o', provider: 'gone', name: 'n', value: 'v', failures: 0 });
});

function nothing(): Promise<void> {
  return Promise.resolve();
}

test('the value is the hash of the key authorization (RFC 8555, 8.4)', () => {
  assert.equal(challengeValue('token', 'thumbprint'), '61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I');
});
