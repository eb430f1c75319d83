import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { test, type TestContext } from 'node:test';
import { aProvider, writeDnsProgram, writeProgram } from '../support/dns-program.ts';
import { eventually } from '../support/eventually.ts';
import { makeOrderLab, type OrderLab } from '../support/order-lab.ts';

const WILDCARD = '*.example.com';
const RECORD = '_acme-challenge.example.com';
const MINUTE_MS = 60_000;
/** Moments of an order by DNS-01, and of the removal of its record. */
const STAGES = [
  ...['certificateOrder.presenting', 'certificateOrder.presentingDone', 'certificateOrder.propagating'],
  ...['certificateOrder.propagatingDone', 'certificateOrder.answeringDone', 'certificateOrder.validatingDone'],
  ...['certificateOrder.finalizingDone', 'challengeRecord.removed'],
];

async function makeLab(t: TestContext): Promise<OrderLab> {
  const lab = await makeOrderLab(t);
  await writeDnsProgram(lab.programsDir, lab.pebble);
  await lab.store.addDnsProvider(aProvider());
  return lab;
}

/** The values that the DNS server has now. */
async function values({ pebble }: OrderLab, name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([pebble.dnsServer]);
  return (await resolver.resolveTxt(name).catch(() => [])).flat();
}

async function recordsAreGone(lab: OrderLab, name = RECORD): Promise<void> {
  await eventually('the TXT records are removed', async () => {
    const counts = await lab.store.challengeRecordCounts();
    return counts.size === 0 && (await values(lab, name)).length === 0;
  });
}

test('a wildcard gets its certificate by DNS-01, and its TXT record is removed', async (t) => {
  const lab = await makeLab(t);
  lab.start();
  await lab.order(WILDCARD);
  await lab.reaches(WILDCARD, 'serving');
  assert.equal(lab.saved.length, 1);
  assert.ok(lab.saved.every(({ belongsToKey }) => belongsToKey));
  await recordsAreGone(lab);
});

test('a controller that is killed at any stage leaves one order, one certificate and no TXT record', async (t) => {
  const lab = await makeLab(t);
  for (const [index, stage] of STAGES.entries()) {
    const name = `s${String(index)}.example.com`;
    let killed = false;
    const stop = lab.start(async (at) => {
      if (at !== stage) return;
      killed = true;
      await new Promise(() => undefined);
    });
    await lab.order(`*.${name}`);
    await eventually(`the controller is killed at ${stage}`, () => killed);
    stop();
    const end = lab.start();
    await lab.reaches(`*.${name}`, 'serving');
    await recordsAreGone(lab, `_acme-challenge.${name}`);
    end();
  }
  const orders = lab.faults.requests.filter((line) => line === 'POST /order-plz').length;
  assert.deepEqual([orders, new Set(lab.saved.map(({ hostname }) => hostname)).size], [STAGES.length, STAGES.length]);
});

test('the record is put where the CNAME of the challenge leads', async (t) => {
  const lab = await makeLab(t);
  await lab.store.removeDnsProvider('main');
  await lab.store.addDnsProvider(aProvider({ recordZone: 'acme.example.net' }));
  const target = 'shop.acme.example.net';
  await lab.pebble.dns('set-cname', { host: RECORD, target });
  const seen = new Set<string>();
  lab.start(async (at) => {
    if (at === 'certificateOrder.propagating') for (const value of await values(lab, target)) seen.add(value);
  });
  await lab.order(WILDCARD);
  await lab.reaches(WILDCARD, 'serving');
  assert.equal(seen.size, 1);
  await recordsAreGone(lab, target);
});

test('a program that fails is a wait with its exit code, and the CA is not told', async (t) => {
  const lab = await makeLab(t);
  await writeProgram(lab.programsDir, 'set-txt', "console.error('planted-secret'); process.exit(3);");
  lab.start();
  await lab.order(WILDCARD);
  const waiting = await lab.reaches(WILDCARD, 'waiting');
  assert.deepEqual([waiting.problem?.code, waiting.resume], ['SLIP_DNS_PROVIDER', 'presenting']);
  assert.match(waiting.problem?.message ?? '', /the program set-txt failed \(exit code 3\) at present/);
  assert.ok(!JSON.stringify(waiting).includes('planted-secret'));
  await writeDnsProgram(lab.programsDir, lab.pebble);
  lab.clock.pass(MINUTE_MS);
  await lab.reaches(WILDCARD, 'serving');
  await recordsAreGone(lab);
});

test('a record that no name server shows ends the order after ten minutes, before the CA is told', async (t) => {
  const lab = await makeLab(t);
  await writeProgram(lab.programsDir, 'set-txt', 'process.exit(0);');
  lab.start();
  await lab.order(WILDCARD);
  await lab.reaches(WILDCARD, 'propagating');
  lab.clock.pass(10 * MINUTE_MS);
  const waiting = await lab.reaches(WILDCARD, 'waiting');
  assert.equal(waiting.problem?.code, 'SLIP_CERT_DNS_PROPAGATION');
  assert.ok(!lab.faults.requests.some((line) => line.startsWith('POST /chalZ')));
  await recordsAreGone(lab);
});

test('a domain that is removed in the middle leaves no TXT record', async (t) => {
  const lab = await makeLab(t);
  lab.start(async (at) => {
    if (at !== 'certificateOrder.propagating') return;
    const order = await lab.find(WILDCARD);
    await lab.store.removeDomain(order.appId, WILDCARD);
  });
  await lab.order(WILDCARD);
  await eventually('the domain is removed', async () => (await lab.store.certificateOrder(WILDCARD)) === undefined);
  lab.clock.pass(2 * MINUTE_MS);
  await lab.order('other.example.com');
  await lab.reaches('other.example.com', 'serving');
  await recordsAreGone(lab);
});
