import type { Cgroups } from './cgroup/port.ts';
import type { Occupant } from './network/namespaces.ts';
import { loadRecords } from './record.ts';

/** The sandbox that a network namespace belongs to. */
export async function occupantOf(
  netns: string,
  of: { readonly base: string; readonly bootId: string; readonly cgroups: Cgroups },
): Promise<Occupant | undefined> {
  const record = (await loadRecords(of.base)).find((each) => each.netns === netns && each.bootId === of.bootId);
  if (record === undefined) return undefined;
  const [pid] = await of.cgroups.pids(record.id);
  return { pid, egress: record.egress !== false };
}
