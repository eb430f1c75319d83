import assert from 'node:assert/strict';
import { BlockList, isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { containsNetwork, parseNetwork, showNetwork, startOf } from '../../../../shared/domain/ip-network.ts';

const canonical = (text: string): string | undefined => {
  const network = parseNetwork(text);
  return network === undefined ? undefined : showNetwork(startOf(network));
};

describe('an address or a network', () => {
  it('has one text, whatever its spelling was', () => {
    const spellings: readonly (readonly [string, string])[] = [
      ['10.0.5.9', '10.0.5.9'],
      ['10.0.5.9/32', '10.0.5.9'],
      ['10.0.5.9/8', '10.0.0.0/8'],
      ['0.0.0.0/0', '0.0.0.0/0'],
      ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['::', '::'],
      ['::1/128', '::1'],
      ['::/0', '::/0'],
      ['fd00::ffff/8', 'fd00::/8'],
      ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ];
    for (const [text, expected] of spellings) assert.equal(canonical(text), expected, text);
  });

  it('is nothing else', () => {
    const texts = ['', '10.0.0', '10.0.0.256', '10.0.0.1/33', '10.0.0.1/08', '10.0.0.1/', '10.0.0.1/8/8', '010.0.0.1'];
    const others = ['::1/129', 'fe80::1%eth0', ':::', '1:2:3:4:5:6:7', 'front.example.com', '10.0.0.1 or TRUE', '/8'];
    for (const text of [...texts, ...others]) assert.equal(parseNetwork(text), undefined, text);
  });

  it('is an IPv6 address when Node says so', () => {
    const near = fc.tuple(fc.ipV6(), fc.nat(45), fc.constantFrom('', ':', '::', '0', 'g', '.', '1.2.3.4', ':1.2.3.4'));
    fc.assert(
      fc.property(near, fc.nat(2), ([address, at, piece], cut) => {
        const text = address.slice(0, at) + piece + address.slice(at + cut);
        if (text.includes(':')) assert.equal(parseNetwork(text) !== undefined, isIPv6(text), text);
      }),
      { numRuns: 2000 },
    );
  });

  it('contains the addresses that Node says it contains', () => {
    const pairs = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }), fc.ipV6());
    fc.assert(
      fc.property(pairs, fc.integer({ min: 0, max: 128 }), ([base, prefix, other], kept) => {
        const near = parseNetwork(`${base}/${String(kept)}`);
        assert.ok(near !== undefined);
        for (const address of [other, showNetwork({ ...startOf(near), prefix: 128 })]) {
          const list = new BlockList();
          list.addSubnet(base, prefix, 'ipv6');
          const [network, one] = [parseNetwork(`${base}/${String(prefix)}`), parseNetwork(address)];
          assert.ok(network !== undefined && one !== undefined);
          assert.equal(
            containsNetwork(network, one),
            list.check(address, 'ipv6'),
            `${base}/${String(prefix)} ${address}`,
          );
        }
      }),
    );
  });
});
