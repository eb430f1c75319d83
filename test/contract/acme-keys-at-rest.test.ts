import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { CertificateOrder } from '../../controller/domain/orders.ts';
import { DEFAULT_TLS_SETTINGS } from '../../controller/domain/tls-settings.ts';
import type { Store } from '../../controller/store/port.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { tempDir } from '../support/certificates.ts';
import { openConfigState } from '../support/config-state.ts';
import { aProvider } from '../support/dns-program.ts';
import { addApp, addUser } from '../support/store-fixtures.ts';

const DIRECTORY = 'https://ca.test/dir';
const SECRETS = {
  account: 'planted-account-key',
  order: 'planted-order-key',
  binding: 'planted-binding-key',
  dns: 'planted-dns-key',
};

/** A state folder with the key of an account, of an order, of a binding, and of a DNS provider. */
async function plant(t: TestContext): Promise<{ readonly dir: string; readonly orderId: string }> {
  const dir = await tempDir(t);
  await using state = await openConfigState(dir);
  const { store } = state;
  await store.addAcmeAccount(DIRECTORY, new Sensitive(SECRETS.account));
  const externalAccount = { keyId: 'kid', hmacKey: new Sensitive(SECRETS.binding) };
  await store.setTlsSettings({ ...DEFAULT_TLS_SETTINGS, externalAccount });
  await store.addDnsProvider(aProvider({ secret: new Sensitive(SECRETS.dns) }));
  const app = await addApp(store, (await addUser(store)).id);
  await store.addDomain(app.id, 'shop.example.com');
  let from = await store.addCertificateOrder('shop.example.com');
  for (const state of ['checking', 'ordered', 'finalizing'] as const) {
    const order: CertificateOrder = { ...from, state };
    await store.moveOrder(from, { order, uses: [] }, new Sensitive(SECRETS.order));
    from = order;
  }
  return { dir, orderId: from.id };
}

async function assertReadable(store: Store, orderId: string): Promise<void> {
  assert.equal((await store.acmeAccount(DIRECTORY))?.keyPem.reveal(), SECRETS.account);
  assert.equal((await store.orderKey(orderId))?.reveal(), SECRETS.order);
  assert.equal((await store.dnsProviders())[0]?.secret?.reveal(), SECRETS.dns);
  assert.equal((await store.tlsSettings()).externalAccount?.hmacKey.reveal(), SECRETS.binding);
}

test('the keys for a certificate authority are in no file in clear text', async (t) => {
  const { dir } = await plant(t);
  for (const name of (await readdir(dir)).filter((file) => file.startsWith('slipway.db'))) {
    const text = (await readFile(join(dir, name))).toString('latin1');
    for (const secret of Object.values(SECRETS)) assert.ok(!text.includes(secret), name);
  }
});

test('the keys for a certificate authority survive a rotation of the key of the config values', async (t) => {
  const { dir, orderId } = await plant(t);
  const before = await readFile(join(dir, 'config.key'), 'utf8');
  {
    await using state = await openConfigState(dir);
    assert.equal((await state.keys.rotate()).encrypted, 4);
    await assertReadable(state.store, orderId);
  }
  assert.notEqual(await readFile(join(dir, 'config.key'), 'utf8'), before);
  await using state = await openConfigState(dir);
  await assertReadable(state.store, orderId);
});

test('a copied database without its key file is no key, and a lost key file is a clear error', async (t) => {
  const { dir, orderId } = await plant(t);
  const copy = join(await tempDir(t), 'copy');
  await mkdir(copy, { mode: 0o700 });
  await copyFile(join(dir, 'slipway.db'), join(copy, 'slipway.db'));
  await assert.rejects(openConfigState(copy), { code: 'SLIP_CONFIG_KEY_MISSING' });
  {
    // The key of another controller does not open it either.
    const other = await tempDir(t);
    await using _ = await openConfigState(other);
    await copyFile(join(other, 'config.key'), join(copy, 'config.key'));
  }
  await assert.rejects(openConfigState(copy), { code: 'SLIP_CONFIG_KEY_WRONG' });
  await rm(join(copy, 'config.key'));
  await copyFile(join(dir, 'config.key'), join(copy, 'config.key'));
  await using state = await openConfigState(copy);
  await assertReadable(state.store, orderId);
});
