import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isIpv4 } from '../../../../shared/domain/ipv4.ts';

test('isIpv4 agrees with node:net', () => {
  const octet = fc.oneof(
    fc.integer({ min: 0, max: 300 }).map(String),
    fc.constantFrom('', '00', '01', '1e1', '-1', ' 1'),
  );
  const address = fc.array(octet, { minLength: 3, maxLength: 5 }).map((octets) => octets.join('.'));
  fc.assert(
    fc.property(address, (text) => {
      assert.equal(isIpv4(text), isIPv4(text), text);
    }),
  );
});
