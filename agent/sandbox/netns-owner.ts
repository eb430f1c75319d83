import type { Cgroups } from './cgroup/port.ts';
import type { NetnsOwner } from './network/namespaces.ts';
import type { HostNetwork } from './network/host.ts';
import { loadRecords } from './record.ts';

interface Place {
  readonly base: string;
  readonly bootId: string;
}

/** The sandbox that uses a network namespace. `undefined`: no sandbox uses it. */
export async function netnsOwner(
  netns: string,
  { base, bootId, cgroups }: Place & { readonly cgroups: Cgroups },
): Promise<NetnsOwner | undefined> {
  const record = (await loadRecords(base)).find((each) => each.netns === netns && each.bootId === bootId);
  if (record === undefined) return undefined;
  const [pid] = await cgroups.pids(record.id);
  return { pid, egress: record.egress !== false };
}

/** Registers the sandboxes of an earlier agent with the network, so that its first rules include their allowed networks. */
export async function adoptRunningSandboxes({
  base,
  bootId,
  hostNetwork,
}: Place & { readonly hostNetwork: Pick<HostNetwork, 'adopt'> }): Promise<void> {
  const records = await loadRecords(base);
  hostNetwork.adopt(records.filter((record) => record.bootId === bootId && record.egress !== false));
}
