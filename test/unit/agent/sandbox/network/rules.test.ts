import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addressAt,
  checkSandboxConfig,
  DEFAULT_SANDBOX_CONFIG,
  parseCidr,
} from '../../../../../agent/sandbox/config.ts';
import { connectedNetworks } from '../../../../../agent/sandbox/network/host.ts';
import { nextSlot, slotOf } from '../../../../../agent/sandbox/network/plan.ts';
import type { AppName } from '../../../../../shared/domain/names.ts';
import { nameserversOf } from '../../../../../agent/sandbox/network/resolv.ts';
import { planOpenings } from '../../../../../agent/sandbox/network/openings.ts';
import { flowsOfOne, lastingRules, nftOpenings, nftRules } from '../../../../../agent/sandbox/network/rules.ts';

const INPUT = {
  table: 'slipway',
  bridge: 'slip0',
  subnet: '10.203.0.0/16',
  egressAllow: [{ cidr: '10.5.0.0/24', port: 5432 }, { cidr: '10.6.0.1/32' }],
  nameservers: ['10.255.255.53'],
  connected: ['192.0.2.0/24'],
  openings: { fleet: ['10.7.0.0/16'], sandboxes: [{ address: '10.203.0.9', cidr: '10.8.0.0/16' }] },
  meshPort: 7405,
  flowsMax: 4096,
};
const RULES = nftRules(INPUT);
const shop = 'shop' as AppName;

describe('the open flows of one sandbox', () => {
  it('are an equal share of three quarters of the table, so that many sandboxes together do not fill it', () => {
    assert.deepEqual(
      [0, 1, 48, 49, 100, 300, 768].map((sandboxes) => flowsOfOne(262_144, sandboxes)),
      [4096, 4096, 4096, 2048, 1024, 512, 256],
    );
    for (const sandboxes of [1, 12, 50, 192])
      assert.ok(sandboxes * flowsOfOne(65_536, sandboxes) <= 49_152, String(sandboxes));
  });

  it('are enough for an ordinary app, however many sandboxes there are', () => {
    assert.equal(flowsOfOne(65_536, 1000), 256);
  });
});

describe('the nft table', () => {
  it('replaces itself in one transaction', () => {
    assert.ok(RULES.startsWith('table inet slipway\ndelete table inet slipway\ntable inet slipway {\n'));
  });

  it('closes private, shared, metadata and neighbouring networks', () => {
    for (const network of [
      '10.0.0.0/8',
      '100.64.0.0/10',
      '169.254.0.0/16',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '192.0.2.0/24',
      '192.0.0.0/24',
      '168.63.129.16/32',
    ]) {
      assert.match(RULES, new RegExp(`elements = \\{.*${network.replace(/[./]/g, '\\$&')}`));
    }
  });

  it('opens what is configured, and name servers on port 53 only, before it closes', () => {
    const chain = RULES.slice(RULES.indexOf('chain from_sandbox'));
    const order = [
      'add @flows4 { ip saddr ct count over 4096 } jump refuse',
      'ip daddr 10.255.255.53/32 udp dport 53 accept',
      'ip daddr @never4 jump refuse',
      'ip daddr 10.6.0.1/32 accept',
      'ip daddr 10.203.0.0/16 jump refuse',
      'ip daddr @closed4 tcp dport 7405 jump refuse',
      'ip daddr 10.5.0.0/24 tcp dport 5432 accept',
      'ip daddr @fleet4 accept',
      'ip saddr . ip daddr @sandboxes4 accept',
      '@closed4 jump refuse',
    ];
    const places = order.map((rule) => chain.indexOf(rule));
    assert.ok(places.every((place) => place > 0));
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    );
  });

  it('is the same table whatever flows are counted in it, and another one when a rule is gone', () => {
    const listing = (elements: string, rules: string): string =>
      `table inet slipway {\n\tset closed4 {\n\t\telements = { 10.0.0.0/8 }\n\t}\n\n\tset flows4 {\n\t\ttype ipv4_addr\n${elements}\t}\n\n\tchain c {\n${rules}\t}\n}\n`;
    const counted = '\t\telements = { 10.203.0.2 ct count over 4096,\n\t\t\t     10.203.0.3 ct count over 4096 }\n';
    assert.equal(lastingRules(listing(counted, '\t\taccept\n')), lastingRules(listing('', '\t\taccept\n')));
    assert.notEqual(lastingRules(listing(counted, '')), lastingRules(listing('', '\t\taccept\n')));
    assert.match(lastingRules(listing(counted, '')), /closed4/);
  });

  it('lets no connection in from outside except from this machine', () => {
    assert.match(
      RULES,
      /iifname != "slip0" oifname "slip0" ct state established,related accept\n\s+iifname != "slip0" oifname "slip0" drop/,
    );
  });
});

describe('networks that an operator opened', () => {
  it('are sets of the table, which change without the table', () => {
    assert.match(RULES, /set fleet4 \{\n.*\n\s+elements = \{ 10\.7\.0\.0\/16 \}/);
    assert.match(RULES, /set sandboxes4 \{\n.*\n\s+elements = \{ 10\.203\.0\.9 \. 10\.8\.0\.0\/16 \}/);
    assert.equal(
      nftOpenings({ ...INPUT, openings: { fleet: [], sandboxes: INPUT.openings.sandboxes } }),
      'flush set inet slipway fleet4\nflush set inet slipway sandboxes4\nadd element inet slipway sandboxes4 { 10.203.0.9 . 10.8.0.0/16 }\n',
    );
  });

  it('are those of the fleet, and those of the app that a sandbox belongs to', () => {
    const table = {
      fleet: ['10.1.0.0/16', '10.1.2.0/24'],
      apps: [{ app: shop, uidBase: 1, cidrs: ['10.2.0.0/16', '10.2.0.0/24'] }],
    };
    const tenants = new Map([
      ['10.203.0.9', 1],
      ['10.203.0.3', 2],
      ['10.203.0.2', 1],
    ]);
    assert.deepEqual(planOpenings(table, tenants), {
      fleet: ['10.1.0.0/16'],
      sandboxes: [
        { address: '10.203.0.2', cidr: '10.2.0.0/16' },
        { address: '10.203.0.9', cidr: '10.2.0.0/16' },
      ],
    });
  });
});

describe('addresses', () => {
  it('are not used again for some time', () => {
    const subnet = parseCidr('10.0.0.0/29'); // .2 to .6
    assert.equal(nextSlot(subnet, new Set([2, 3]), 3), 4);
    assert.equal(nextSlot(subnet, new Set([4]), 6), 2);
    assert.equal(nextSlot(subnet, new Set([2, 3, 4, 5, 6]), 2), undefined);
  });

  it('are counted from the start of the network', () => {
    assert.equal(addressAt(parseCidr('10.203.7.9/16'), 258), '10.203.1.2');
    assert.throws(() => parseCidr('10.0.0.256/8'), { code: 'SLIP_SANDBOX_CONFIG' });
    assert.throws(() => parseCidr('10.0.0.0/33'), { code: 'SLIP_SANDBOX_CONFIG' });
  });

  it('belong to a namespace by its name, of our own bridge alone', () => {
    const names = { bridge: 'slip0', subnet: parseCidr('10.203.0.0/16') };
    assert.equal(slotOf(names, 'slip0-17'), 17);
    for (const other of ['slip01-17', 'slip0-', 'slip0-x', 'slip0-1-2', 'web'])
      assert.equal(slotOf(names, other), undefined);
  });
});

describe('the facts of the machine', () => {
  it('include IPv4 name servers', () => {
    assert.deepEqual(
      nameserversOf('# x\nnameserver 1.2.3.4\nnameserver fe80::1\n nameserver 127.0.0.53 \nsearch a\n'),
      ['1.2.3.4', '127.0.0.53'],
    );
  });

  it('include each attached network once, without the network of the sandboxes', () => {
    const entry = (cidr: string) => ({
      address: '',
      netmask: '',
      mac: '',
      internal: false,
      family: 'IPv4' as const,
      cidr,
    });
    const interfaces = {
      eth0: [entry('192.0.2.7/24'), entry('192.0.2.8/24')],
      slip0: [entry('10.203.0.1/16')],
      lo: [entry('127.0.0.1/8')],
    };
    assert.deepEqual(connectedNetworks('slip0', interfaces), ['127.0.0.0/8', '192.0.2.0/24']);
  });
});

describe('the configuration', () => {
  it('refuses names that the kernel or a script cannot use', () => {
    const good = { ...DEFAULT_SANDBOX_CONFIG, stateDir: '/var/lib/slipway' };
    assert.equal(checkSandboxConfig(good), good);
    for (const bad of [
      { bridge: 'toolongname' },
      { bridge: 'a b' },
      { name: 'x;y' },
      { stateDir: 'relative' },
      { stateDir: '/a b' },
      { subnet: 'no' },
    ]) {
      assert.throws(() => checkSandboxConfig({ ...good, ...bad }), { code: 'SLIP_SANDBOX_CONFIG' });
    }
  });
});
