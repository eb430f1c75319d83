import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGroup, admit, type Admission, type WaitingPeer } from '../../../../controller/access/admission.ts';

const LIMITS = { maxWaiting: 4, maxWaitingPerAddress: 2, maxConnections: 6, maxConnectionsPerAddress: 3 };

function peer(address: string, silent = true): WaitingPeer {
  return { address, silent };
}

function newcomer(
  address: string,
  waiting: readonly WaitingPeer[],
  open: { all?: number; ofAddress?: number } = {},
): Admission<WaitingPeer> {
  const { all = waiting.length, ofAddress = 0 } = open;
  return admit({ address, connections: all, connectionsOfAddress: ofAddress }, waiting, LIMITS);
}

test('accepts every connection below the limits', () => {
  assert.deepEqual(newcomer('a', [peer('a'), peer('b')]), { accept: true });
});

test('at the limit of an address, closes its oldest silent connection, or its oldest when none is silent', () => {
  const [first, silent, second] = [peer('a', false), peer('a'), peer('a', false)];
  assert.deepEqual(newcomer('a', [peer('b'), first, silent]), { accept: true, drop: silent });
  assert.deepEqual(newcomer('a', [peer('b'), first, second]), { accept: true, drop: first });
});

test('at the common limit, closes the oldest silent connection of all', () => {
  const oldest = peer('a');
  assert.deepEqual(newcomer('e', [peer('d', false), oldest, peer('b'), peer('c')]), { accept: true, drop: oldest });
});

test('when no connection is silent, closes the oldest one of the address and network with the most connections', () => {
  const crowd = ['10.0.0.1', '10.1.0.1', '10.1.0.2', '10.1.0.2'].map((address) => peer(address, false));
  assert.deepEqual(newcomer('10.9.9.9', crowd), { accept: true, drop: crowd[2] });
  const spread = ['10.0.0.1', '10.1.0.1', '10.2.0.1', '10.2.0.2'].map((address) => peer(address, false));
  assert.deepEqual(newcomer('10.9.9.9', spread), { accept: true, drop: spread[2] });
  const ipv6 = ['2001:db8:1:1', '2001:db8:2:1', '2001:db8:2:2', '2001:db8:3:1'].map((address) => peer(address, false));
  assert.deepEqual(newcomer('10.9.9.9', ipv6), { accept: true, drop: ipv6[1] });
});

test('never closes an authenticated connection, and refuses a new one when all are authenticated', () => {
  assert.deepEqual(newcomer('a', [], { all: 6 }), { accept: false });
  assert.deepEqual(newcomer('a', [peer('b')], { all: 6 }), { accept: true, drop: peer('b') });
  assert.deepEqual(newcomer('a', [peer('b')], { all: 4, ofAddress: 3 }), { accept: false });
});

test('an IPv4 address counts alone, IPv6 by its /64', () => {
  assert.equal(addressGroup('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(addressGroup('10.0.0.1'), '10.0.0.1');
  assert.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
  assert.equal(addressGroup('2001:db8::1'), addressGroup('2001:db8::ffff'));
  assert.equal(addressGroup('::1'), '0:0:0:0');
});
