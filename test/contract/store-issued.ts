import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../controller/domain/apps.ts';
import type { NewCertificate } from '../../controller/domain/certificates.ts';
import type { Store } from '../../controller/store/port.ts';
import type { CertificateId } from '../../shared/domain/ids.ts';
import { publicKeyHash } from '../../shared/kit/certificate-pair.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { addIssued, DIRECTORY_URL } from '../support/issued-certificates.ts';
import { addApp, addNode, addUser } from '../support/store-fixtures.ts';
import { makeWebCertificate } from '../support/web-certificates.ts';

const SHOP = { hostname: 'shop.example.com', fingerprint: 'f1' };

/** Certificates of CAs until they end, and the nodes that held their keys. */
export function issuedCases(get: () => Store): void {
  const addShop = async (): Promise<{ readonly store: Store; readonly app: App }> => {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    await addIssued(store, app.id, SHOP);
    return { store, app };
  };

  it('revokes what a CA gave, and keeps each state', async () => {
    const { store } = await addShop();
    assert.deepEqual(await store.revocations(), []);
    const asked = await store.requestRevocation({
      ...{ fingerprint: 'f1', reason: 'superseded', cause: 'ada asked for it.', now: false },
    });
    assert.deepEqual([asked?.state, asked?.directoryUrl, asked?.hostname], ['replacing', DIRECTORY_URL, SHOP.hostname]);
    const { due } = await store.dueRevocations(Date.now() + 1_000);
    assert.deepEqual(due, [asked]);
    const [from] = due;
    assert.ok(from !== undefined);
    const problem = { code: 'SLIP_X', message: 'No.' };
    const to = { ...from, state: 'revoking', dueAtMs: 4_000_000_000_000, failures: 2, problem } as const;
    assert.equal(await store.moveIssued(from, to), true);
    assert.equal(await store.moveIssued(from, to), false);
    assert.deepEqual(await store.revocations(), [to]);
    const next = await store.dueRevocations(Date.now());
    assert.deepEqual([next.due, next.nextMs], [[], to.dueAtMs]);
    assert.equal(await store.issuedChain('f1'), 'chain');
    await assert.rejects(store.moveIssued(to, { ...to, state: 'valid' }), { code: 'SLIP_STATE_ILLEGAL' });
  });

  it('knows no certificate that no CA gave, and keeps that a key is compromised', async () => {
    const { store } = await addShop();
    const wish = { fingerprint: 'f1', reason: 'keyCompromise', cause: 'It was lost.', now: false } as const;
    assert.equal(await store.requestRevocation({ ...wish, fingerprint: 'other' }), undefined);
    await store.requestRevocation(wish);
    const again = await store.requestRevocation({ ...wish, reason: 'superseded', cause: 'No.', now: true });
    assert.deepEqual([again?.state, again?.reason, again?.cause], ['revoking', 'keyCompromise', 'It was lost.']);
    assert.equal((await store.requestRevocation(wish))?.state, 'revoking');
  });

  it('replaces the keys that a node held when it is revoked or removed, and no others', async () => {
    const { store, app } = await addShop();
    await addIssued(store, app.id, { hostname: 'blog.example.com', fingerprint: 'f2' });
    const [one, two] = [await addNode(store, 'fra-1'), await addNode(store, 'fra-2')];
    await store.addHolder(one.id, 'f1');
    await store.addHolder(one.id, 'f1');
    await store.addHolder(two.id, 'f2');
    await store.revokeCertificates(one.id);
    const states = async (): Promise<readonly string[]> =>
      (await store.revocations()).map(({ fingerprint, state, reason = '' }) => `${fingerprint} ${state} ${reason}`);
    assert.deepEqual(await states(), ['f1 replacing keyCompromise']);
    assert.match((await store.revocations())[0]?.cause ?? '', /^Node fra-1 held its key, and was revoked on 20/);
    await store.removeNode(two.id);
    assert.deepEqual([...(await states())].sort(), ['f1 replacing keyCompromise', 'f2 replacing keyCompromise']);
    const events = await store.events({ limit: 20 });
    assert.ok(events.some(({ kind, node }) => kind === 'node.keys-exposed' && node === 'fra-2'));
  });

  it('replaces the key of a former certificate too, and of a domain that is gone', async () => {
    const { store, app } = await addShop();
    const node = await addNode(store, 'fra-1');
    await store.addHolder(node.id, 'f1');
    await store.removeDomain(app.id, SHOP.hostname);
    await store.revokeCertificates(node.id);
    assert.deepEqual(
      (await store.revocations()).map(({ state }) => state),
      ['replacing'],
    );
  });

  it('marks uploaded certificates that a revoked node held, until they are replaced', async () => {
    const { store, app } = await addShop();
    const node = await addNode(store, 'fra-1');
    const { pem: chainPem, keyPem } = await makeWebCertificate({ names: ['a.example'] });
    const upload: NewCertificate = {
      ...{ id: 'crt0000one' as CertificateId, appId: app.id, kind: 'uploaded', names: ['a.example'], chainPem },
      ...{ fingerprint: 'u1', notBeforeMs: 1, notAfterMs: 2, keyPem: new Sensitive(keyPem) },
    };
    await store.saveCertificate(upload);
    await store.addHolder(node.id, 'u1');
    await store.revokeCertificates(node.id);
    assert.match((await store.certificate(upload.id))?.exposed ?? '', /Node fra-1 held its key/);
    const hash = publicKeyHash(chainPem) ?? '';
    assert.match((await store.exposedKey(hash)) ?? '', /Node fra-1 held its key/);
    assert.equal(await store.exposedKey('other'), undefined);
    await store.saveCertificate({ ...upload, fingerprint: 'u2' });
    assert.equal((await store.certificate(upload.id))?.exposed, undefined);
  });
}
