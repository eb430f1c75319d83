import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGroup, admit, type WaitingPeer } from '../../../../../controller/push/ssh/admission.ts';

const STATE = { maxWaiting: 4, maxWaitingPerAddress: 2, maxConnections: 6, connections: 0 };

function peer(address: string, silent = true): WaitingPeer {
  return { address, silent };
}

test('below the limits everybody gets in', () => {
  assert.deepEqual(admit('a', [peer('a'), peer('b')], STATE), { accept: true });
});

test('at the limit of an address its oldest silent peer makes room', () => {
  const [talking, silent] = [peer('a', false), peer('a')];
  assert.deepEqual(admit('a', [peer('b'), talking, silent], STATE), { accept: true, drop: silent });
});

test('at the common limit the oldest silent peer of all makes room', () => {
  const oldest = peer('a');
  assert.deepEqual(admit('e', [oldest, peer('b'), peer('c'), peer('d')], STATE), { accept: true, drop: oldest });
});

test('when all are talking the newcomer is refused', () => {
  assert.deepEqual(admit('a', [peer('a', false), peer('a', false)], STATE), { accept: false });
  assert.deepEqual(admit('a', [], { ...STATE, connections: 6 }), { accept: false });
});

test('an IPv4 address counts alone, IPv6 by its /64', () => {
  assert.equal(addressGroup('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(addressGroup('10.0.0.1'), '10.0.0.1');
  assert.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
  assert.equal(addressGroup('2001:db8::1'), addressGroup('2001:db8::ffff'));
  assert.equal(addressGroup('::1'), '0:0:0:0');
});
