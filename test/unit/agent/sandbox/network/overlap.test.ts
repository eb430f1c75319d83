import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCidr } from '../../../../../agent/sandbox/config.ts';
import { overlappingBridge, subnetTaken } from '../../../../../agent/sandbox/network/overlap.ts';

describe('two agents of one machine', () => {
  const on = (cidr: string) => [{ family: 'IPv4', cidr }];
  const interfaces = {
    lo: on('127.0.0.1/8'),
    slip0: on('10.203.0.1/16'),
    eth0: on('10.0.0.5/8'),
    six0: [{ family: 'IPv6', cidr: 'fd00::1/64' }],
  };
  const find = (bridge: string, subnet: string) =>
    overlappingBridge({ bridge, subnet: parseCidr(subnet) }, interfaces, (name) => !['lo', 'eth0'].includes(name));

  it('must not have overlapping networks, whichever is the larger one', () => {
    for (const subnet of ['10.203.0.0/16', '10.203.7.0/24', '10.0.0.0/8', '0.0.0.0/0']) {
      assert.deepEqual(find('slip1', subnet), { bridge: 'slip0', cidr: '10.203.0.0/16' }, subnet);
    }
    for (const subnet of ['10.204.0.0/16', '10.202.0.0/16', '10.202.255.0/24', '192.168.0.0/16'])
      assert.equal(find('slip1', subnet), undefined);
  });

  it('may have a network that overlaps one of the machine itself, and its own bridge from before', () => {
    assert.equal(find('slip1', '10.9.0.0/16'), undefined);
    assert.equal(find('slip0', '10.203.0.0/16'), undefined);
  });

  it('are told the bridge of the other one', () => {
    const { code, message } = subnetTaken(parseCidr('10.203.7.0/24'), { bridge: 'slip0', cidr: '10.203.0.0/16' });
    assert.equal(code, 'SLIP_AGENT_SUBNET_TAKEN');
    assert.equal(
      message,
      'The sandbox network 10.203.7.0/24 overlaps 10.203.0.0/16, which another agent on this machine uses on its bridge slip0.',
    );
  });
});
