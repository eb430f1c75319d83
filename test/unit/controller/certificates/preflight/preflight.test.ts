import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { OpenAccount } from '../../../../../controller/certificates/orders/accounts.ts';
import { createPreflight } from '../../../../../controller/certificates/preflight/preflight.ts';
import { DnsFailure } from '../../../../../controller/certificates/preflight/resolver.ts';

it('has no finding about a name when the controller stops', async () => {
  const stop = new AbortController();
  const stopping = new Error('the controller is stopping');
  const preflight = createPreflight({
    resolver: {
      addresses: () => {
        stop.abort(stopping);
        return Promise.reject(new DnsFailure('CANCELLED', undefined));
      },
      caa: () => Promise.resolve([]),
    },
    arePrivateAddressesAllowed: true,
    signal: stop.signal,
  });
  // The clock of the CA is all that is asked before the addresses.
  const account = { client: { clockDifferenceMs: () => Promise.resolve(0) } } as unknown as OpenAccount;
  await assert.rejects(preflight('shop.example.com', account), stopping);
});
