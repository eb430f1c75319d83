import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { AcmeError } from '../../../../../controller/acme/problem.ts';
import {
  AutomaticCertificates,
  findNoRelease,
} from '../../../../../controller/certificates/orders/automatic-certificates.ts';
import { DEFAULT_TLS_SETTINGS } from '../../../../../controller/domain/tls-settings.ts';
import type { Store } from '../../../../../controller/store/port.ts';
import { silentLogger } from '../../../../../shared/kit/log.ts';
import { addApp, addUser, newRelease, noChange, openMemoryStore } from '../../../../support/store-fixtures.ts';

const AGREED = { ...DEFAULT_TLS_SETTINGS, termsAgreed: true };

interface Rig {
  readonly store: Store;
  readonly automatic: AutomaticCertificates;
  readonly thumbprints: (string | undefined)[];
  readonly looks: () => number;
}

async function make(t: TestContext, open: () => Promise<never> = refuse): Promise<Rig> {
  const store = await openMemoryStore();
  t.after(() => store.close());
  const thumbprints: (string | undefined)[] = [];
  let looks = 0;
  const nothing = (): Promise<void> => Promise.resolve();
  const automatic = new AutomaticCertificates({
    revocations: { run: nothing, changed: () => undefined },
    ...{ store, log: silentLogger, preflight: () => Promise.resolve(undefined) },
    lookAtFront: () => Promise.resolve(undefined),
    fleet: { certificatesChanged: nothing, setAcmeThumbprint: async (one) => void thumbprints.push(one) },
    accounts: {
      ...{ open, forget: nothing, close: nothing, termsUrl: open },
      thumbprint: (url) => Promise.resolve(`of ${url}`),
    },
    loop: { run: nothing, changed: () => (looks += 1) },
    cleaner: { run: nothing, changed: () => undefined },
  });
  return { store, automatic, thumbprints, looks: () => looks };
}

function refuse(): Promise<never> {
  return Promise.reject(new AcmeError({ type: 'unreachable', status: 0, detail: 'no route', subproblems: [] }));
}

test('before an agreement to the terms, nodes answer no challenges and nothing is ordered', async (t) => {
  const { store, automatic, thumbprints, looks } = await make(t);
  const app = await addApp(store, (await addUser(store)).id);
  await store.addDomain(app.id, 'shop.example.com');
  await automatic.start();
  await automatic.orderMissing(app.id);
  assert.deepEqual([thumbprints, await store.certificateOrders(), looks()], [[undefined], [], 0]);
});

test('an agreement orders for the domains that are there, and says why the CA cannot be used', async (t) => {
  const { store, automatic, thumbprints, looks } = await make(t);
  const app = await addApp(store, (await addUser(store)).id);
  await store.addDomain(app.id, 'shop.example.com');
  assert.equal((await automatic.applySettings(AGREED))?.code, 'SLIP_CERT_CA_UNREACHABLE');
  assert.deepEqual(thumbprints, [`of ${AGREED.directoryUrl}`]);
  assert.deepEqual([(await store.ordersOfApp(app.id)).length, looks()], [1, 1]);
  await automatic.end(app.id);
  assert.deepEqual(await store.ordersOfApp(app.id), []);
});

test('a start orders for a domain whose order was lost in a crash', async (t) => {
  const { store, automatic } = await make(t);
  const app = await addApp(store, (await addUser(store)).id);
  await store.setTlsSettings(AGREED);
  await store.addDomain(app.id, 'shop.example.com');
  await automatic.start();
  assert.equal((await store.ordersOfApp(app.id)).length, 1);
});

test('a check says what is wrong with the CA, in words', async (t) => {
  const { automatic } = await make(t);
  assert.match((await automatic.check('shop.example.com'))?.message ?? '', /cannot be reached: no route/);
  assert.equal(await automatic.termsUrl(), undefined);
});

test('a domain of an app without a release waits for the first deploy', async (t) => {
  const { store } = await make(t);
  const user = await addUser(store);
  const app = await addApp(store, user.id);
  await store.addDomain(app.id, 'shop.example.com');
  assert.equal((await findNoRelease(store, 'shop.example.com'))?.code, 'SLIP_CERT_NO_RELEASE');
  const { version } = await store.createRelease(newRelease(app));
  await store.beginRollout(app.id, version, noChange);
  await store.completeRollout(app.id, version, noChange);
  assert.equal(await findNoRelease(store, 'shop.example.com'), undefined);
  assert.equal(await findNoRelease(store, 'nobody.example.com'), undefined);
});
