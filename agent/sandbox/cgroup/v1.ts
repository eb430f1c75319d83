import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { Hierarchies } from './hierarchies.ts';
import type { Cgroups } from './port.ts';
import {
  CPU_PERIOD_US,
  cpuQuotaUs,
  cpuShare,
  cpuShareOfAll,
  IO_WEIGHT_OF_ALL,
  ioWeight,
  machinePidsMax,
  memoryOfAllBytes,
  pidsOfAll,
  TOOL_PIDS,
  v1CpuShares,
} from './limits.ts';
import { cgroupFailure, childGroups, keepControl, killBelow, pidsBelow, removeGroups, writeControl } from './tree.ts';

/** The kernel has the file of the scheduler that it uses. */
const IO_WEIGHT_FILES = ['blkio.weight', 'blkio.bfq.weight'];

/** Separate hierarchies of version 1, with or without the empty version 2 tree that systemd's hybrid mode mounts beside them. */
export function createCgroupsV1(rootName: string, hierarchies: Hierarchies, clock: Clock): Cgroups {
  const memory = hierarchies.v1.get('memory') ?? '';
  const pids = hierarchies.v1.get('pids') ?? '';
  const cpu = hierarchies.v1.get('cpu') ?? '';
  const all = [...new Set([...hierarchies.v1.values(), ...(hierarchies.v2 === undefined ? [] : [hierarchies.v2])])];
  const ours = [...new Set([memory, pids, ...(hierarchies.v2 === undefined ? [] : [hierarchies.v2])])];
  const blkio = hierarchies.v1.get('blkio') ?? '';
  /** Hierarchies with weights only: a machine can lack them. */
  const weightTops = [...new Set([cpu, blkio])].filter((top) => top !== '');
  const path = (id: string): string => join(rootName, id);
  const processesDir = (id: string): string => join(hierarchies.v2 ?? pids, path(id), 'app');
  return {
    version: 1,
    path,
    processesDir,
    joinDirs(id) {
      const weights = weightTops.map((top) => join(top, path(id), 'app')).filter((dir) => existsSync(dir)); // an older agent made none
      return [...ours.map((top) => join(top, path(id), 'app')), ...weights];
    },
    helperDirs: (id) =>
      [...ours, ...weightTops]
        .map((top) => join(top, path(id)))
        .flatMap((dir) => (existsSync(dir) ? [join(dir, 'help')] : [])),
    oomFile: (id) => join(memory, path(id), 'app', 'memory.oom_control'),
    async ensureRoot() {
      for (const top of [...ours, ...weightTops])
        if (!existsSync(join(top, rootName))) await makeGroup(join(top, rootName));
      await keepControl(join(memory, rootName, 'memory.limit_in_bytes'), memoryOfAllBytes());
      await keepControl(join(pids, rootName, 'pids.max'), pidsOfAll(machinePidsMax()));
      await keepControl(join(cpu, rootName, 'cpu.shares'), v1CpuShares(cpuShareOfAll('v1')));
      for (const file of IO_WEIGHT_FILES) await keepControl(join(blkio, rootName, file), IO_WEIGHT_OF_ALL);
    },
    async create(id, { limits, purpose, withApp }) {
      for (const top of [...ours, ...weightTops]) await makeGroup(join(top, path(id), withApp ? 'app' : ''));
      await writeControl(join(memory, path(id), 'memory.limit_in_bytes'), String(limits.memoryBytes));
      const swap = join(memory, path(id), 'memory.memsw.limit_in_bytes');
      if (existsSync(swap)) await writeControl(swap, String(limits.memoryBytes));
      await keepControl(join(memory, path(id), 'memory.kmem.tcp.limit_in_bytes'), limits.memoryBytes); // version 1 counts socket memory separately
      await writeControl(join(pids, path(id), 'pids.max'), String(limits.pidsMax + TOOL_PIDS));
      await keepControl(join(cpu, path(id), 'cpu.shares'), v1CpuShares(cpuShare(purpose)));
      for (const file of IO_WEIGHT_FILES) await keepControl(join(blkio, path(id), file), ioWeight(purpose));
      if (limits.cpuMillis === 0) return;
      await writeControl(join(cpu, path(id), 'cpu.cfs_period_us'), String(CPU_PERIOD_US));
      await writeControl(join(cpu, path(id), 'cpu.cfs_quota_us'), String(cpuQuotaUs(limits)));
    },
    pids: (id) => pidsBelow(processesDir(id)),
    kill: (id) => killBelow(processesDir(id), clock),
    killAll: (id) => killBelow(dirname(processesDir(id)), clock),
    async remove(id) {
      await Promise.all(all.map((top) => removeGroups(join(top, path(id)), clock)));
    },
    list: () => childGroups(join(memory, rootName)),
    async removeRoot() {
      await Promise.all(all.map((top) => removeGroups(join(top, rootName), clock)));
    },
  };
}

async function makeGroup(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (cause) {
    throw cgroupFailure(`${dir} could not be made`, cause);
  }
}
