import type { Cgroups } from './cgroup/port.ts';
import type { Occupant } from './network/namespaces.ts';
import type { HostNetwork } from './network/host.ts';
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

/** Tells the network whose the sandboxes are that an earlier agent has left, so that its first rules open what these may reach. */
export async function adoptTenants(of: {
  readonly base: string;
  readonly bootId: string;
  readonly hostNetwork: Pick<HostNetwork, 'adopt'>;
}): Promise<void> {
  const records = await loadRecords(of.base);
  of.hostNetwork.adopt(records.filter((record) => record.bootId === of.bootId && record.egress !== false));
}
