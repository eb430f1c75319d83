import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { certificateProblems } from '../../../../controller/api/certificate-problems.ts';
import type { CertificateId } from '../../../../shared/domain/ids.ts';

const reason = { code: 'SLIP_CERT_FETCH', message: 'The controller did not answer.', hint: 'Wait.' };
const unserved = { id: 'crt0000shop' as CertificateId, reason };

describe('the certificates that nodes do not serve', () => {
  it('are a problem of each connected node that answers HTTPS, with the first cause', () => {
    const node = { name: 'alpha', connected: true, httpsPort: 443, unservedCertificates: [unserved] };
    const fine = { ...node, unservedCertificates: [] };
    const away = { ...node, connected: false };
    const without = { ...node, httpsPort: 0 };
    assert.deepEqual(certificateProblems([node, fine, away, without]), [
      {
        message: 'Node alpha does not serve a certificate of the fleet. The controller did not answer.',
        next: 'slipway nodes:info alpha',
      },
    ]);
    const former = { ...unserved, servedFingerprint: 'ab'.repeat(32) };
    const [two] = certificateProblems([{ ...node, unservedCertificates: [former, unserved] }]);
    assert.match(two?.message ?? '', /does not serve 2 certificates of the fleet\. It serves the former one instead\./);
  });
});
