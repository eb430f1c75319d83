import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCidr } from '../../../../../agent/sandbox/config.ts';
import { parseLinks, planRepairs, type Cable } from '../../../../../agent/sandbox/network/repairs.ts';

const names = { bridge: 'slip0', subnet: parseCidr('10.203.0.0/16') };
const whole: Cable = { name: 'slip0-aaaaaa', netns: 'slip0-2', bridge: 'slip0', isolated: true, up: true };

function repairs(
  cables: readonly Cable[],
  namespaces: readonly string[] = ['slip0-2'],
  neighbours: readonly string[] = ['10.203.0.2'],
): unknown {
  return planRepairs(names, { slots: [2], namespaces: new Set(namespaces), cables, neighbours: new Set(neighbours) });
}

describe('repairs of the sandboxes’ network', () => {
  it('are none when nothing is missing, and never touch the links of others', () => {
    assert.deepEqual(repairs([whole]), []);
    assert.deepEqual(
      repairs([whole, { ...whole, name: 'slip0-bbbbbb', netns: 'slip0-9', bridge: undefined }], ['slip0-2', 'slip0-9']),
      [],
    );
  });

  it('reconnect a link that is out of the bridge, down, or not isolated from its neighbours', () => {
    for (const damage of [{ bridge: undefined }, { bridge: 'other0' }, { up: false }, { isolated: false }]) {
      assert.deepEqual(repairs([{ ...whole, ...damage }]), [{ kind: 'plug', cable: 'slip0-aaaaaa' }]);
    }
  });

  it('create a new link, and restore the name of the namespace first', () => {
    assert.deepEqual(repairs([]), [{ kind: 'connect', slot: 2, netns: 'slip0-2' }]);
    assert.deepEqual(repairs([whole], []), [{ kind: 'name', netns: 'slip0-2' }]);
    assert.deepEqual(repairs([], []), [{ kind: 'name', netns: 'slip0-2' }]);
  });

  it('restore the neighbour entry of the host', () => {
    assert.deepEqual(repairs([whole], undefined, []), [{ kind: 'neighbour', slot: 2 }]);
  });

  it('read what ip says', () => {
    const slave = (isolated: boolean): unknown => ({ info_kind: 'veth', info_slave_data: { isolated } });
    const links = [
      {
        ifname: 'slip0-aaaaaa',
        ifalias: 'slip0-2',
        flags: ['BROADCAST', 'UP'],
        master: 'slip0',
        linkinfo: slave(true),
      },
      { ifname: 'slip0-bbbbbb', ifalias: 'slip0-3', flags: ['BROADCAST'], linkinfo: { info_kind: 'veth' } },
      { ifname: 'vethX', flags: ['UP'], master: 'docker0', linkinfo: slave(false) },
      {},
    ];
    const neighbours = [{ dst: '10.203.0.2', lladdr: '02:5d:00:00:00:02', state: ['PERMANENT'] }];
    assert.deepEqual(parseLinks(`${JSON.stringify(links)}\n${JSON.stringify(neighbours)}\n`, 'slip0'), {
      cables: [whole, { name: 'slip0-bbbbbb', netns: 'slip0-3', bridge: undefined, isolated: false, up: false }],
      neighbours: new Set(['10.203.0.2']),
    });
    assert.deepEqual(parseLinks('', 'slip0'), { cables: [], neighbours: new Set() });
  });
});
