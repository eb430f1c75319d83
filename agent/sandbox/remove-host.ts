import type { Run } from '../../shared/kit/exec.ts';
import type { Cgroups } from './cgroup/port.ts';
import type { Disks } from './files/disks.ts';
import { unmountBelow } from './files/mounts.ts';
import { closeBase } from './files/reachable.ts';
import type { HostNetwork } from './network/host.ts';
import type { Namespaces } from './network/namespaces.ts';

interface SharedParts {
  readonly disks: Disks;
  readonly namespaces: Namespaces;
  readonly hostNetwork: HostNetwork;
  readonly cgroups: Cgroups;
  readonly base: string;
  readonly run: Run;
}

/** Removes the shared parts after the last sandbox: pools, bridge, rules. */
export async function removeShared({ disks, namespaces, hostNetwork, cgroups, base, run }: SharedParts): Promise<void> {
  await disks.clear();
  await namespaces.clear();
  await hostNetwork.remove();
  await cgroups.removeRoot();
  await unmountBelow(base, run);
  await closeBase(base);
}
