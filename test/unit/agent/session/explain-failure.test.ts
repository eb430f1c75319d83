import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainFailure } from '../../../../agent/session/explain-failure.ts';
import { issueNode, makeCa } from '../../../support/certificates.ts';

const at = { address: 'ctl.example.com:7443', nowMs: Date.parse('2026-11-20T10:00:00Z'), certificate: undefined };

describe('why there is no session', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['connect ECONNREFUSED 10.0.0.1:7443', /nothing answers at ctl\.example\.com:7443 \(connection refused\)/],
    ['The controller is stopping.', /^the controller is stopping$/],
    ['getaddrinfo ENOTFOUND ctl', /cannot be resolved/],
    [
      'certificate has expired',
      /controller's certificate has expired, or this node's clock is ahead: it says 2026-11-20T10:00:00/,
    ],
    ['certificate is not yet valid', /clock is behind/],
    ['self-signed certificate in certificate chain', /another controller\?/],
    ['unable to verify the first certificate', /another controller\?/],
    ["Hostname/IP does not match certificate's altnames", /does not name ctl\.example\.com/],
    ['tlsv1 alert unknown ca', /does not accept this node's certificate/],
    ['read ECONNRESET', /was cut/],
    ['timeout: the controller did not answer', /drops packets/],
  ];
  for (const [details, words] of cases) {
    it(`${details} is explained`, () => assert.match(explainFailure({ details }, at), words));
  }

  it('names an expired certificate of its own, and a clock that is behind, by how much', async (t) => {
    const { tls } = await issueNode(await makeCa(t, { nodeLifetimeMs: 60_000 }));
    const late = { ...at, certificate: tls.certificate, nowMs: Date.now() + 120_000 };
    assert.match(explainFailure({ details: 'x' }, late), /this node's certificate expired on/);
    const early = { ...at, certificate: tls.certificate, nowMs: Date.now() - 65 * 60_000 };
    assert.match(explainFailure({ details: 'x' }, early), /clock is at least (59|60|61) min behind/);
  });
});
