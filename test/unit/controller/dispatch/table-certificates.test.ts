import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TableCertificates } from '../../../../controller/dispatch/table-certificates.ts';
import type { Certificate } from '../../../../controller/domain/certificates.ts';
import type { CertificateId } from '../../../../shared/domain/ids.ts';

test('the wait for the end of a certificate ends with the controller', async () => {
  const certificate: Certificate = {
    ...{ id: 'certificate1' as CertificateId, kind: 'uploaded', names: ['a.example'], fingerprint: 'f' },
    ...{ notBeforeMs: 0, notAfterMs: 1_000_000, createdAtMs: 0, storedAtMs: 0 },
  };
  const waits: (AbortSignal | undefined)[] = [];
  const clock = {
    ...{ nowMs: () => 10, monotonicMs: () => 10 },
    sleep: (_ms: number, signal?: AbortSignal) => {
      waits.push(signal);
      return new Promise<never>(() => undefined);
    },
  };
  const store = { certificates: () => Promise.resolve([certificate]), markServed: () => Promise.resolve() };
  const table = new TableCertificates({ store, clock, onDue: () => assert.fail('nothing is due') });
  await table.load();
  table.select([]);
  assert.equal(waits.at(-1)?.aborted, false);
  table.close();
  table.select([]);
  assert.deepEqual(
    waits.map((signal) => signal?.aborted),
    [true],
  );
});
