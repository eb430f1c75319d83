import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { machineRows } from '../../../../cli/nodes/render-machine.ts';

const MACHINE = {
  product: 'Supermicro H11SSL',
  virtualization: 'none',
  cpuModel: 'AMD EPYC 7302P',
  cpuSockets: 2,
  cpuCores: 16,
  swapBytes: 0,
  disks: [{ name: 'nvme0n1', sizeBytes: 1e12, medium: 'SSD', model: 'Micron' }],
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['10.0.0.1'], speedMbps: 1000 }],
};

describe('the rows about a machine', () => {
  it('name its hardware', () => {
    assert.deepEqual(Object.fromEntries(machineRows(MACHINE)), {
      'Machine:': 'Supermicro H11SSL, not virtual',
      'CPU:': 'AMD EPYC 7302P, 16 cores in 2 sockets',
      'Swap:': '',
      'Disks:': 'nvme0n1 1.0 TB SSD',
      'Network:': 'eth0 10.0.0.1 1000 Mbit/s',
    });
  });

  it('are absent until the agent has reported them', () => {
    assert.deepEqual(machineRows(undefined), []);
  });

  it('name the hypervisor, and leave out what is unknown', () => {
    const bare = { product: '', virtualization: 'KVM', cpuModel: '', cpuSockets: 0, cpuCores: 1, swapBytes: 0 };
    const rows = Object.fromEntries(machineRows({ ...bare, disks: [], interfaces: [] }));
    assert.equal(rows['Machine:'], 'KVM');
    assert.equal(rows['CPU:'], '1 core');
    assert.equal(rows['Disks:'], '');
  });
});
