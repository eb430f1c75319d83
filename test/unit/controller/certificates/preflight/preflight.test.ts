import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenAccount } from '../../../../../controller/certificates/orders/accounts.ts';
import { createPreflight } from '../../../../../controller/certificates/preflight/preflight.ts';
import { DnsFailure, type NameResolver } from '../../../../../controller/certificates/preflight/resolver.ts';

/** The clock of the CA is all that is asked before the addresses. */
const client = { clockDifferenceMs: () => Promise.resolve(0) };
const account = { client, url: 'https://ca.test/1', thumbprint: 'thumbprint' } as unknown as OpenAccount;

function pointingTo(address: string): NameResolver {
  return {
    addresses: (_name, family) => Promise.resolve(family === 4 ? [address] : []),
    caa: () => Promise.resolve([]),
  };
}

const dns = { check: () => Promise.resolve(undefined) };

test('an address that leads to a private network is refused in every form', async () => {
  const { signal } = new AbortController();
  for (const address of [
    ...['10.1.2.3', '192.168.0.1', '169.254.169.254', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
    ...['::', '::1', '::ffff:127.0.0.1', 'fd00::1', 'fe80::1', 'fec0::1', 'ff02::1', '64:ff9b::a00:1', '2002:a00:1::'],
  ]) {
    const check = createPreflight({ dns, resolver: pointingTo(address), arePrivateAddressesAllowed: false, signal });
    assert.equal((await check('shop.example.com', account))?.code, 'SLIP_CERT_PRIVATE_ADDRESS', address);
  }
});

test('has no finding about a name when the controller stops', async () => {
  const stop = new AbortController();
  const stopping = new Error('the controller is stopping');
  const preflight = createPreflight({
    dns,
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
  await assert.rejects(preflight('shop.example.com', account), stopping);
});
