import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CertificateId } from '../../../../shared/domain/ids.ts';
import { encodeAgentMessage } from '../../../../shared/rpc/agent-codec.ts';
import { MAX_MESSAGE_BYTES } from '../../../../shared/rpc/service.ts';
import * as any from '../../../support/arbitraries.ts';
import { roundTrips, Session, throughAgentWire } from '../../../support/wire.ts';

describe('the report of served certificates', () => {
  it('survives the wire, and fits into a message with any number of failures', () => {
    const unserved = fc.record({
      id: any.anyId<CertificateId>(),
      servedFingerprint: fc.constantFrom('ab'.repeat(32), undefined),
      reason: any.anyReason,
    });
    roundTrips(
      fc.record({
        kind: fc.constant('certificatesServed' as const),
        version: fc.nat(),
        unserved: fc.array(unserved, { maxLength: 3 }),
      }),
      throughAgentWire,
    );
    const reason = { code: 'SLIP_CERT_FETCH', message: '漢'.repeat(5_000), hint: '漢'.repeat(5_000) };
    const all = Array.from({ length: 20_000 }, (_, index) => ({
      ...{ id: `certificate${String(index).padStart(6, '0')}` as CertificateId, servedFingerprint: 'ab'.repeat(32) },
      reason,
    }));
    const served = { kind: 'certificatesServed', version: 1, unserved: all } as const;
    assert.ok(Session.requestSerialize(encodeAgentMessage(served)).length < MAX_MESSAGE_BYTES);
  });
});
