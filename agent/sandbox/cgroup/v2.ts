import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { Cgroups } from './port.ts';
import { cgroupFailure, childGroups, keepControl, killBelow, pidsBelow, removeGroups, writeControl } from './tree.ts';
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
  v2CpuWeight,
} from './limits.ts';

/** With `io`, the kernel also charges the writing of a sandbox's dirty pages to the sandbox, and slows down its writers alone. */
const CONTROLLERS = ['memory', 'pids', 'cpu', 'io'];
const IO_WEIGHT_FILES = ['io.weight', 'io.bfq.weight'];

/** The unified hierarchy. Limits on the sandbox's group hold for the tool's own groups below it. */
export function createCgroupsV2(rootName: string, top: string, clock: Clock): Cgroups {
  const path = (id: string): string => join(rootName, id);
  const group = (id: string): string => join(top, path(id));
  const processesDir = (id: string): string => join(group(id), 'app');
  return {
    version: 2,
    path,
    processesDir,
    joinDirs: (id) => [processesDir(id)],
    helperDirs: (id) => [join(group(id), 'help')],
    oomFile: (id) => join(group(id), 'memory.events'),
    async ensureRoot() {
      const root = join(top, rootName);
      if (!existsSync(root))
        await mkdir(root).catch((cause: unknown) => Promise.reject(cgroupFailure(`${root} could not be made`, cause)));
      for (const dir of [top, root]) await delegate(dir);
      await keepControl(join(root, 'memory.max'), memoryOfAllBytes());
      await keepControl(join(root, 'pids.max'), pidsOfAll(machinePidsMax()));
      await keepControl(join(root, 'cpu.weight'), v2CpuWeight(cpuShareOfAll('v2')));
      for (const file of IO_WEIGHT_FILES) await keepControl(join(root, file), IO_WEIGHT_OF_ALL);
    },
    async create(id, { limits, purpose, withApp }) {
      await mkdir(withApp ? processesDir(id) : group(id), { recursive: true }).catch((cause: unknown) =>
        Promise.reject(cgroupFailure(`${group(id)} could not be made`, cause)),
      );
      await writeControl(join(group(id), 'memory.max'), String(limits.memoryBytes));
      const swap = join(group(id), 'memory.swap.max');
      if (existsSync(swap)) await writeControl(swap, '0');
      await writeControl(join(group(id), 'pids.max'), String(limits.pidsMax + TOOL_PIDS));
      await keepControl(join(group(id), 'cpu.weight'), v2CpuWeight(cpuShare(purpose)));
      for (const file of IO_WEIGHT_FILES) await keepControl(join(group(id), file), ioWeight(purpose));
      if (limits.cpuMillis > 0)
        await writeControl(join(group(id), 'cpu.max'), `${String(cpuQuotaUs(limits))} ${String(CPU_PERIOD_US)}`);
    },
    pids: (id) => pidsBelow(processesDir(id)),
    kill: (id) => killBelow(processesDir(id), clock),
    killAll: (id) => killBelow(dirname(processesDir(id)), clock),
    remove: (id) => removeGroups(group(id), clock),
    list: () => childGroups(join(top, rootName)),
    removeRoot: () => removeGroups(join(top, rootName), clock),
  };
}

async function delegate(dir: string): Promise<void> {
  const file = join(dir, 'cgroup.subtree_control');
  const enabled = (await readFile(file, 'utf8')).trim().split(' ');
  const offered = (await readFile(join(dir, 'cgroup.controllers'), 'utf8')).trim().split(' ');
  const missing = CONTROLLERS.filter((controller) => offered.includes(controller) && !enabled.includes(controller));
  if (missing.length > 0) await writeControl(file, missing.map((controller) => `+${controller}`).join(' '));
}
