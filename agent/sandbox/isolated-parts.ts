import type { Clock } from '../../shared/kit/clock.ts';
import type { Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Cgroups } from './cgroup/port.ts';
import type { SandboxConfig } from './config.ts';
import type { Disks } from './files/disks.ts';
import type { HostNetwork } from './network/host.ts';
import type { Namespaces } from './network/namespaces.ts';
import type { Supervisor } from './supervisor/port.ts';
import type { SandboxTool } from './tool.ts';

/** What the LXC driver and the nspawn driver build sandboxes from. */
export interface IsolatedParts {
  readonly tool: SandboxTool;
  readonly config: SandboxConfig;
  /** Folder of everything here, passable for the apps' users. */
  readonly base: string;
  readonly scriptsDir: string;
  readonly bootId: string;
  readonly cgroups: Cgroups;
  /** Of the processes in a sandbox. */
  readonly oomScoreAdjust: number;
  readonly supervisor: Supervisor;
  readonly disks: Disks;
  readonly namespaces: Namespaces;
  readonly hostNetwork: HostNetwork;
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Logger;
}
