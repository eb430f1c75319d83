import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCidr } from '../../../../../agent/sandbox/config.ts';
import {
  bridgeMac,
  netnsHostBatch,
  netnsInsideBatch,
  netnsRules,
  slotMac,
} from '../../../../../agent/sandbox/network/plan.ts';

describe('the hardware address of a sandbox', () => {
  it('belongs to its address: the same whenever it is made again, another for every other one', () => {
    assert.equal(slotMac(3), '02:5d:00:00:00:03');
    assert.equal(slotMac(0x01_02_03), '02:5d:00:01:02:03');
    assert.equal(new Set(Array.from({ length: 1000 }, (_, slot) => slotMac(slot))).size, 1000);
    assert.notEqual(slotMac(2).slice(0, 5), bridgeMac('slip0').slice(0, 5));
  });

  it('is given when the interface is made', () => {
    const lines = netnsHostBatch({ bridge: 'slip0', subnet: parseCidr('10.203.0.0/16') }, 7, 'slip0-abcdef');
    assert.ok(lines.some((line) => line.includes(`name eth0 address ${slotMac(7)} netns slip0-7`)));
  });
});

describe('the neighbours of a sandbox', () => {
  const names = { bridge: 'slip0', subnet: parseCidr('10.203.0.0/16') };

  it('are the gateway alone, and permanent at both ends', () => {
    const inside = netnsInsideBatch(names, 7);
    assert.ok(inside.includes('addr add 10.203.0.7/32 dev eth0'));
    assert.ok(inside.includes(`neigh replace 10.203.0.1 lladdr ${bridgeMac('slip0')} dev eth0 nud permanent`));
    assert.equal(inside.at(-1), 'route add default via 10.203.0.1');
    assert.ok(
      netnsHostBatch(names, 7, 'slip0-abcdef').includes(
        `neigh replace 10.203.0.7 lladdr ${slotMac(7)} dev slip0 nud permanent`,
      ),
    );
  });

  it('stay so: a packet to any other next hop ends in the namespace', () => {
    assert.match(netnsRules(names), /rt ip nexthop != 10\.203\.0\.1 drop/);
  });
});
