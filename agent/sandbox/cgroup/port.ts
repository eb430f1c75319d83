import type { Limits } from '../../../shared/domain/assignment.ts';
import type { SandboxSpec } from '../port.ts';

export interface GroupNeeds {
  readonly limits: Limits;
  /** Decides the share of processor time. */
  readonly purpose: SandboxSpec['purpose'];
  /** Make the inner group `app` as well, because the tool does not make it. */
  readonly withApp: boolean;
}

/**
 * Control groups of the sandboxes, all below one group of ours. A sandbox's limits sit on its group `<root>/<id>`,
 * its processes in `<root>/<id>/app`. Missing groups are no error anywhere but in `create`.
 */
export interface Cgroups {
  readonly version: 1 | 2;
  /** Name of a sandbox's group, relative to the hierarchies' roots. */
  path(id: string): string;
  /** The group of all sandboxes, with what they may use together. @throws SLIP_SANDBOX_CGROUP */
  ensureRoot(): Promise<void>;
  /** A sandbox's group with its limits. @throws SLIP_SANDBOX_CGROUP */
  create(id: string, needs: GroupNeeds): Promise<void>;
  /** Folders whose `cgroup.procs` a process must enter to be limited. */
  joinDirs(id: string): readonly string[];
  /** The same for programs of the agent that read the files of the sandbox. The caller makes these folders. */
  helperDirs(id: string): readonly string[];
  /** The folder that tells who is in `app`, and has `cgroup.kill` where the kernel does. */
  processesDir(id: string): string;
  /** File with a line `oom_kill N`. */
  oomFile(id: string): string;
  /** Processes in `app`, at any depth. */
  pids(id: string): Promise<readonly number[]>;
  /** Kills everything in `app` and waits until it is empty. @throws SLIP_SANDBOX_CGROUP when it does not become so */
  kill(id: string): Promise<void>;
  /** The same for `app` and the tool's own processes beside it. */
  killAll(id: string): Promise<void>;
  /** Removes the groups; they must be empty. */
  remove(id: string): Promise<void>;
  /** Ids that have a group. */
  list(): Promise<readonly string[]>;
  /** Removes the root group itself. */
  removeRoot(): Promise<void>;
}
