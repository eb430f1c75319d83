import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contains, NEVER_OPENED, parseEgressCidr, withoutNested } from '../../../../shared/domain/egress.ts';

const NEVER = { code: 'SLIP_EGRESS_NEVER' };
const CIDR = { code: 'SLIP_EGRESS_CIDR' };

describe('a network that an operator opens', () => {
  it('has one form', () => {
    assert.equal(parseEgressCidr('10.0.5.9'), '10.0.5.9/32');
    assert.equal(parseEgressCidr(' 10.0.5.0/24 '), '10.0.5.0/24');
    assert.equal(parseEgressCidr('100.64.0.0/11'), '100.64.0.0/11');
  });

  it('is refused with a reason when it is not a network', () => {
    for (const text of [
      '',
      'x',
      '10.0.0',
      '10.0.0.0/33',
      '10.0.0.0/a',
      '10.0.0.0/8/9',
      '10.0.0.256',
      '10.0.0.0/',
      'localhost',
    ])
      assert.throws(() => parseEgressCidr(text), CIDR, text);
    assert.throws(() => parseEgressCidr('10.0.5.9/24'), {
      ...CIDR,
      hint: /10\.0\.5\.9 for the address, or 10\.0\.5\.0\/24/,
    });
  });

  it('is refused with a reason when it is IPv6, because sandboxes have no IPv6', () => {
    for (const text of ['::1', 'fd00:ec2::254', 'fd00::/8', '::ffff:10.0.0.1'])
      assert.throws(() => parseEgressCidr(text), { ...CIDR, message: /no IPv6/ }, text);
  });

  it('is refused when it contains an address that no sandbox may reach', () => {
    assert.throws(() => parseEgressCidr('0.0.0.0/0'), CIDR);
    for (const text of [
      ...[
        '127.0.0.1',
        '127.0.0.0/8',
        '169.254.169.254',
        '169.254.0.0/17',
        '169.0.0.0/8',
        '168.63.129.16',
        '168.63.0.0/16',
      ],
      ...[
        '100.100.100.200',
        '100.64.0.0/10',
        '192.0.0.192',
        '192.0.0.0/24',
        '0.0.0.0/8',
        '224.0.0.1',
        '255.255.255.255',
      ],
      ...NEVER_OPENED.filter((cidr) => Number(cidr.split('/')[1]) >= 8),
    ])
      assert.throws(() => parseEgressCidr(text), NEVER, text);
  });

  it('is known to contain another one', () => {
    assert.ok(contains('10.0.0.0/8', '10.203.0.0/16') && contains('10.0.0.0/8', '10.0.0.0/8'));
    assert.ok(!contains('10.203.0.0/16', '10.0.0.0/8') && !contains('10.1.0.0/16', '10.2.0.0/16'));
    assert.deepEqual(withoutNested(['10.1.2.0/24', '10.1.0.0/16', '10.1.0.0/16', '192.168.0.1/32']), [
      '10.1.0.0/16',
      '192.168.0.1/32',
    ]);
  });
});
