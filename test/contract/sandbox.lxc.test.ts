import { REAL_WORKLOADS, sandboxContract } from './sandbox.ts';
import { sandboxDisksContract } from './sandbox-disks.ts';
import { realSandboxContract } from './sandbox-real.ts';

sandboxContract('lxc', REAL_WORKLOADS);
realSandboxContract('lxc');
sandboxDisksContract('lxc');
