import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  orphanedRevocationProblems,
  storedCertificateProblems,
  type StoredCertificates,
} from '../../../../controller/api/stored-certificate-problems.ts';
import type { Certificate } from '../../../../controller/domain/certificates.ts';
import type { CertificateId } from '../../../../shared/domain/ids.ts';
import { anOrder, CERTIFICATE, DAY_MS } from '../../../support/certificate-orders.ts';
import { anIssued } from '../../../support/issued-certificates.ts';

const uploaded: Certificate = {
  ...{ id: 'uploaded1' as CertificateId, kind: 'uploaded', names: ['a.example', 'b.example'], fingerprint: 'u1' },
  ...{ notBeforeMs: 0, notAfterMs: 90 * DAY_MS, createdAtMs: 0, storedAtMs: 0 },
};
const NONE: StoredCertificates = { certificates: [], orders: [], revocations: [] };
const CAUSE = 'Node fra-2 held its key, and was revoked on 2026-12-01.';

function messages(facts: Partial<StoredCertificates>, nowMs = 0): readonly string[] {
  return storedCertificateProblems('shop', { ...NONE, ...facts }, nowMs).map(
    ({ message, next }) => `${message} ${next}`,
  );
}

test('a certificate with a tenth of its life left, or nothing, is a problem', () => {
  assert.deepEqual(messages({ certificates: [uploaded] }, 80 * DAY_MS), []);
  assert.deepEqual(messages({ certificates: [uploaded] }, 82 * DAY_MS), [
    'shop: the certificate for a.example and 1 more ends in 8 days. slipway why a.example',
  ]);
  assert.match(messages({ certificates: [uploaded] }, 91 * DAY_MS)[0] ?? '', /1 more ended on 1970-04-01/);
});

test('a renewal that is overdue is told once', () => {
  const order = anOrder({ state: 'waiting', certificate: CERTIFICATE });
  const certificate: Certificate = { ...uploaded, id: order.id, kind: 'acme' };
  assert.deepEqual(messages({ certificates: [certificate], orders: [order] }, 85 * DAY_MS), []);
});

test('an uploaded certificate whose key a revoked node held must be replaced by its owner', () => {
  assert.deepEqual(messages({ certificates: [{ ...uploaded, exposed: CAUSE }] }), [
    `shop: the uploaded certificate for a.example and 1 more needs a successor with a new key. ${CAUSE} slipway certs:add CRT KEY -a shop`,
  ]);
});

test('a revocation is a problem until the successor is served and the CA has agreed', () => {
  const orders = [anOrder({ state: 'needed', certificate: CERTIFICATE })];
  const of = (fields: Parameters<typeof anIssued>[0]): readonly string[] =>
    messages({ orders, revocations: [anIssued({ cause: CAUSE, ...fields })] });
  assert.deepEqual(of({ state: 'replacing' }), [
    `shop: the key of the certificate for shop.example.com is being replaced. ${CAUSE} slipway why shop.example.com`,
  ]);
  assert.match(of({ state: 'revoked' })[0] ?? '', /is revoked, and has no successor yet/);
  assert.deepEqual(of({ state: 'revoked', fingerprint: 'former' }), []);
  const problem = { code: 'SLIP_CERT_NOT_REVOKED', message: 'The CA is down.' };
  assert.match(of({ state: 'revoking', fingerprint: 'former', problem })[0] ?? '', /shop: The CA is down/);
});

test('a revocation that the CA refuses is a problem also after the domain is gone', () => {
  const problem = { code: 'SLIP_CERT_NOT_REVOKED', message: 'The CA is down.' };
  const revocations = [anIssued({ state: 'revoking', problem })];
  assert.equal(orphanedRevocationProblems(revocations, [])[0]?.message, 'The CA is down.');
  assert.deepEqual(orphanedRevocationProblems(revocations, [anOrder()]), []);
  assert.deepEqual(orphanedRevocationProblems([anIssued({ state: 'revoking' })], []), []);
});
