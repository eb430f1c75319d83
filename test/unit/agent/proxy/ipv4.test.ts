import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { test } from 'node:test';
import { isIpv4Address } from '../../../../agent/proxy/haproxy/ipv4.ts';

test('an IPv4 address is recognized as node:net does it', () => {
  const good = ['0.0.0.0', '1.2.3.4', '10.203.0.17', '99.100.199.200', '255.249.250.255'];
  const bad = [
    '',
    'a',
    '1.2.3',
    '1.2.3.4.',
    '1.2.3.4.5',
    '1..2.3',
    '01.2.3.4',
    '256.1.1.1',
    '::1',
    ' 1.2.3.4',
    '1.2.3.4\n',
  ];
  for (const text of [...good, ...bad]) assert.equal(isIpv4Address(text), isIPv4(text), JSON.stringify(text));
});
