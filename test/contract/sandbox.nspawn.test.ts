import { REAL_WORKLOADS, sandboxContract } from './sandbox.ts';
import { sandboxDisksContract } from './sandbox-disks.ts';
import { realSandboxContract } from './sandbox-real.ts';

sandboxContract('nspawn', REAL_WORKLOADS);
realSandboxContract('nspawn');
sandboxDisksContract('nspawn');
