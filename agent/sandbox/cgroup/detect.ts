import { readFile } from 'node:fs/promises';
import type { Clock } from '../../../shared/kit/clock.ts';
import { parseMountInfo } from '../files/mounts.ts';
import { hierarchiesOf } from './hierarchies.ts';
import type { Cgroups } from './port.ts';
import { createCgroupsV1 } from './v1.ts';
import { createCgroupsV2 } from './v2.ts';

/** `undefined` when neither version can limit memory and process counts here. */
export async function detectCgroups(rootName: string, clock: Clock): Promise<Cgroups | undefined> {
  const hierarchies = hierarchiesOf(parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8')));
  if (hierarchies.v1.has('memory') && hierarchies.v1.has('pids')) return createCgroupsV1(rootName, hierarchies, clock);
  if (hierarchies.v2 === undefined) return undefined;
  const controllers = await readFile(`${hierarchies.v2}/cgroup.controllers`, 'utf8').catch(() => '');
  const usable = ['memory', 'pids'].every((controller) => controllers.split(/\s/).includes(controller));
  return usable ? createCgroupsV2(rootName, hierarchies.v2, clock) : undefined;
}
