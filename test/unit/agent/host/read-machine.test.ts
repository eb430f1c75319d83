import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeMachine, type MachineReport } from '../../../../agent/host/read-machine.ts';

const REPORT: MachineReport = {
  cpu: { manufacturer: 'AMD', brand: 'EPYC 7302P', processors: 1, physicalCores: 16, flags: 'fpu vme' },
  system: { manufacturer: 'Supermicro ', model: 'H11SSL', virtual: false },
  memory: { swaptotal: 1024 },
  blockDevices: [
    { name: 'nvme0n1', type: 'disk', size: 960e9, physical: 'SSD', model: 'Micron ' },
    { name: 'nvme0n1p1', type: 'part', size: 1e9, physical: '', model: '' },
    { name: 'loop0', type: 'loop', size: 1e6, physical: '', model: '' },
    { name: 'zram0', type: 'disk', size: 0, physical: 'SSD', model: '' },
  ],
  interfaces: [
    { iface: 'lo', mac: '', ip4: '127.0.0.1', ip6: '', internal: true, virtual: false, type: 'virtual', speed: null },
    card('eth0', { ip4: '10.0.0.1', speed: 1000 }),
    card('eth1', { speed: -1 }),
    card('st1', { ip4: '10.203.0.1', virtual: true }),
  ],
};

function card(
  iface: string,
  change: Partial<MachineReport['interfaces'][number]>,
): MachineReport['interfaces'][number] {
  const mac = '02:00:00:00:00:01';
  return { iface, mac, ip4: '', ip6: '', internal: false, virtual: false, type: 'wired', speed: null, ...change };
}

describe('facts of a machine', () => {
  it('name its hardware, without what belongs to sandboxes', () => {
    assert.deepEqual(describeMachine(REPORT), {
      product: 'Supermicro H11SSL',
      virtualization: 'none',
      cpuModel: 'AMD EPYC 7302P',
      cpuSockets: 1,
      cpuCores: 16,
      swapBytes: 1024,
      disks: [{ name: 'nvme0n1', sizeBytes: 960e9, medium: 'SSD', model: 'Micron' }],
      interfaces: [
        { name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['10.0.0.1'], speedMbps: 1000 },
        { name: 'eth1', mac: '02:00:00:00:00:01', addresses: [] },
      ],
    });
  });

  it('name the hypervisor, and recognise one that hides its name', () => {
    const { cpu, system } = REPORT;
    const named = { ...REPORT, system: { ...system, virtual: true, virtualHost: 'KVM' } };
    assert.equal(describeMachine(named).virtualization, 'KVM');
    const hidden = { ...REPORT, cpu: { ...cpu, flags: 'fpu hypervisor' } };
    assert.equal(describeMachine(hidden).virtualization, 'virtual machine');
  });
});
