import { MACHINE_PARTS_MAX, machineFacts, type MachineFacts } from '../../shared/domain/node-facts.ts';
import si, { type Systeminformation } from 'systeminformation'; // a bundle offers a CommonJS module as its default only

/**
 * Reads the static facts of this machine. systeminformation starts programs (lscpu, lsblk, ip, dmidecode) and blocks while some of them
 * run, so only a child process of the agent imports this module.
 * @param bridge the agent's own bridge, which is left out
 */
export async function readMachine(bridge: string): Promise<MachineFacts> {
  const [cpu, system, memory, blockDevices, interfaces] = [
    await si.cpu(),
    await si.system(),
    await si.mem(),
    await si.blockDevices(),
    await si.networkInterfaces(),
  ];
  return describeMachine({
    cpu,
    system,
    memory,
    blockDevices,
    interfaces: [interfaces].flat().filter(({ iface }) => iface !== bridge),
  });
}

export interface MachineReport {
  readonly cpu: Pick<Systeminformation.CpuData, 'manufacturer' | 'brand' | 'processors' | 'physicalCores' | 'flags'>;
  readonly system: Pick<Systeminformation.SystemData, 'manufacturer' | 'model' | 'virtual' | 'virtualHost'>;
  readonly memory: Pick<Systeminformation.MemData, 'swaptotal'>;
  readonly blockDevices: readonly Pick<
    Systeminformation.BlockDevicesData,
    'name' | 'type' | 'size' | 'physical' | 'model'
  >[];
  readonly interfaces: readonly Pick<
    Systeminformation.NetworkInterfacesData,
    'iface' | 'mac' | 'ip4' | 'ip6' | 'internal' | 'virtual' | 'type' | 'speed'
  >[];
}

/** Pure. Virtual interfaces and loop devices belong to sandboxes, so they are left out. */
export function describeMachine({ cpu, system, memory, blockDevices, interfaces }: MachineReport): MachineFacts {
  const disks = blockDevices.filter(({ type, size }) => type === 'disk' && size > 0);
  const cards = interfaces.filter(({ internal, virtual, type }) => !internal && !virtual && type !== 'virtual');
  return machineFacts.parse({
    product: words(system.manufacturer, system.model),
    virtualization: virtualizationOf(system, cpu.flags),
    cpuModel: words(cpu.manufacturer, cpu.brand),
    cpuSockets: cpu.processors,
    cpuCores: cpu.physicalCores,
    swapBytes: memory.swaptotal,
    disks: disks.slice(0, MACHINE_PARTS_MAX).map(({ name, size, physical, model }) => ({
      name,
      sizeBytes: size,
      medium: physical,
      model: model.trim(),
    })),
    interfaces: cards.slice(0, MACHINE_PARTS_MAX).map(({ iface, mac, ip4, ip6, speed }) => ({
      name: iface,
      mac,
      addresses: [ip4, ip6].filter((address) => address !== ''),
      ...(speed !== null && speed > 0 ? { speedMbps: speed } : {}),
    })),
  });
}

function words(...parts: readonly string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ');
}

/** The CPU flag counts too, because a hypervisor may hide its product name. */
function virtualizationOf({ virtual, virtualHost = '' }: MachineReport['system'], cpuFlags: string): string {
  if (virtual && virtualHost !== '') return virtualHost;
  return virtual || cpuFlags.split(' ').includes('hypervisor') ? 'virtual machine' : 'none';
}
