import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOUDFLARE, isFront, isInNetworks, networksOf, parseFront } from '../../../../shared/domain/front-proxies.ts';

describe('a front proxy', () => {
  it('is an address, a network or cloudflare, in one form', () => {
    const texts: readonly (readonly [string, string])[] = [
      [' Cloudflare ', 'cloudflare'],
      ['203.0.113.7/32', '203.0.113.7'],
      ['10.0.0.0/8', '10.0.0.0/8'],
      ['2001:DB8::/32', '2001:db8::/32'],
      ['fd00::/8', 'fd00::/8'],
      ['127.0.0.1', '127.0.0.1'],
    ];
    for (const [text, form] of texts) assert.equal(parseFront(text), form);
  });

  it('is refused with the reason when it is the internet, too large, no network, or not its start', () => {
    const texts: readonly (readonly [string, RegExp])[] = [
      ['0.0.0.0/0', /whole internet: every client could then choose/],
      ['::/0', /whole internet/],
      ['0.0.0.0/1', /larger than a \/8, so it has addresses of strangers/],
      ['128.0.0.0/7', /larger than a \/8/],
      ['2000::/3', /larger than a \/16/],
      ['10.0.5.9/24', /not the start of a network/],
      ['::ffff:10.0.0.1', /IPv4 address in the form of IPv6/],
      ['front.example.com', /neither an address nor a network/],
      ['10.0.0.1\nset server a/b state maint', /neither an address nor a network/],
      ['', /neither an address nor a network/],
    ];
    for (const [text, message] of texts)
      assert.throws(() => parseFront(text), { code: 'SLIP_TRUST_CIDR', message }, text);
    assert.throws(() => parseFront('10.0.5.9/24'), {
      hint: 'Write 10.0.5.9 for the address, or 10.0.5.0/24 for the network.',
    });
  });

  it('is a network in its one form on the wire', () => {
    for (const text of CLOUDFLARE.networks) assert.ok(isFront(text) && parseFront(text) === text, text);
    for (const text of ['cloudflare', '0.0.0.0/0', '10.0.0.1/24', '10.0.0.1/32', '2001:DB8::1', 'x'])
      assert.equal(isFront(text), false, text);
  });

  it('stands for its networks, and knows addresses of Cloudflare', () => {
    assert.equal(networksOf(['cloudflare', '10.0.5.0/24']).length, CLOUDFLARE.networks.length + 1);
    assert.deepEqual(networksOf(['104.16.0.0/13', 'cloudflare']), networksOf(['cloudflare']));
    const known = ['104.16.132.229', '2606:4700::6810:84e5', '172.71.255.1', '203.0.113.7', '2001:db8::1', 'x'];
    assert.deepEqual(
      known.map((address) => isInNetworks(address, CLOUDFLARE.networks)),
      [true, true, true, false, false, false],
    );
    assert.ok(isInNetworks('10.0.5.9', ['10.0.5.0/24']));
  });
});
