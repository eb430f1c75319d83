import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NewCertificate } from '../../controller/domain/certificates.ts';
import type { Store } from '../../controller/store/port.ts';
import type { CertificateId } from '../../shared/domain/ids.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { addApp, addUser } from '../support/store-fixtures.ts';

function aCertificate(id: string, fields: Partial<NewCertificate> = {}): NewCertificate {
  return {
    ...{ id: `crt0000${id}` as CertificateId, kind: 'uploaded', names: ['a.example'], fingerprint: 'ab'.repeat(32) },
    ...{ notBeforeMs: 1, notAfterMs: 2, chainPem: 'chain', keyPem: new Sensitive(`key of ${id}`), ...fields },
  };
}

/** Certificates for the clients of apps. */
export function certificateCases(get: () => Store): void {
  it('keeps certificates with their keys, replaces one under its id, and removes it', async () => {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    const first = await store.saveCertificate(aCertificate('one', { appId: app.id, issuer: 'Trust Inc.' }));
    await store.saveCertificate(aCertificate('two', { kind: 'acme', names: ['*.base', 'base'] }));
    const renewed = { appId: app.id, names: ['a.example', 'b.example'], keyPem: new Sensitive('new'), notAfterMs: 9 };
    const second = await store.saveCertificate(aCertificate('one', renewed));
    assert.deepEqual(
      [second.createdAtMs, second.names, second.notAfterMs, second.issuer],
      [first.createdAtMs, ['a.example', 'b.example'], 9, undefined],
    );
    assert.deepEqual(await store.certificate(first.id), second);
    assert.deepEqual(await store.certificates(app.id), [second]);
    assert.deepEqual(
      (await store.certificates()).map(({ id, appId, kind }) => [id, appId, kind]),
      [
        ['crt0000one', app.id, 'uploaded'],
        ['crt0000two', undefined, 'acme'],
      ],
    );
    const files = await store.certificateFiles(first.id);
    assert.deepEqual([files?.chainPem, files?.keyPem.reveal(), files?.fingerprint], ['chain', 'new', 'ab'.repeat(32)]);
    assert.equal((await store.certificateFiles('crt0000two' as CertificateId))?.keyPem.reveal(), 'key of two');
    assert.deepEqual([await store.removeCertificate(first.id), await store.removeCertificate(first.id)], [true, false]);
    assert.equal(await store.certificateFiles(first.id), undefined);
  });

  it('keeps when every node served a certificate for the first time, also over a renewal', async () => {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    const { id } = await store.saveCertificate(aCertificate('one', { appId: app.id }));
    assert.equal((await store.certificate(id))?.servedAtMs, undefined);
    await store.markServed([id]);
    const { servedAtMs } = (await store.certificate(id)) ?? {};
    assert.equal(typeof servedAtMs, 'number');
    assert.equal((await store.saveCertificate(aCertificate('one', { appId: app.id }))).servedAtMs, servedAtMs);
  });

  it('ends an ordered certificate with its domain, and no other', async () => {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    for (const hostname of ['a.example', 'b.example']) await store.addDomain(app.id, hostname);
    const ids = [];
    for (const hostname of ['a.example', 'b.example']) ids.push((await store.addCertificateOrder(hostname)).id);
    for (const id of ids) await store.saveCertificate({ ...aCertificate('x', { appId: app.id, kind: 'acme' }), id });
    await store.saveCertificate(aCertificate('two', { appId: app.id }));
    await store.removeDomain(app.id, 'a.example');
    const left = async (): Promise<readonly string[]> => (await store.certificates()).map(({ id }) => id).sort();
    assert.deepEqual(await left(), [ids[1], 'crt0000two'].sort());
    assert.equal(await store.removeOrders(app.id), 1);
    assert.deepEqual(await left(), ['crt0000two']);
    await store.saveCertificate(aCertificate('late', { appId: app.id, kind: 'acme' }));
    assert.equal(await store.removeUnordered(), 1);
    await store.saveCertificate(aCertificate('fleet', { kind: 'acme' }));
    assert.equal(await store.removeUnordered(), 0);
  });

  it('removes the certificates of a destroyed app with it', async () => {
    const store = get();
    const ada = await addUser(store);
    const app = await addApp(store, ada.id);
    await store.saveCertificate(aCertificate('one', { appId: app.id }));
    await store.destroyApp(app.id, ada.name);
    assert.deepEqual(await store.certificates(), []);
  });

  it('leaves room for ordered certificates when uploads have their half of the table', async () => {
    const store = get();
    const app = await addApp(store, (await addUser(store)).id);
    const namesOf = (length: number): readonly string[] =>
      Array.from({ length }, (_, index) => `${'n'.repeat(50)}${String(index)}.example`);
    const upload = (id: string, length: number) =>
      store.saveCertificate(aCertificate(id, { appId: app.id, names: namesOf(length) }));
    await upload('one', 5_000);
    await assert.rejects(upload('two', 5_000), {
      code: 'SLIP_CERT_TABLE',
      message: /all uploaded certificates would have \d+ bytes/,
    });
    await upload('one', 5_001);
    await store.saveCertificate(aCertificate('auto', { appId: app.id, kind: 'acme', names: namesOf(5_000) }));
  });

  it('limits the uploaded certificates of a user, but neither a renewal nor ordered ones', async () => {
    const store = get();
    const ada = await addUser(store);
    const app = await addApp(store, ada.id);
    await store.setQuotas(ada.id, { certificates: 1 }, ada.name);
    await store.saveCertificate(aCertificate('one', { appId: app.id }));
    await store.saveCertificate(aCertificate('one', { appId: app.id }));
    await store.saveCertificate(aCertificate('auto', { appId: app.id, kind: 'acme' }));
    await assert.rejects(store.saveCertificate(aCertificate('two', { appId: app.id })), { code: 'SLIP_QUOTA' });
    assert.equal((await store.quotasOf(ada.id)).used.certificates, 1);
    const names = Array.from({ length: 20_000 }, (_, index) => `${'n'.repeat(50)}${String(index)}.example`);
    await assert.rejects(store.saveCertificate(aCertificate('all', { kind: 'acme', names })), {
      code: 'SLIP_CERT_TABLE',
    });
  });
}
