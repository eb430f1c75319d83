import { REAL_WORKLOADS, sandboxContract } from './sandbox.ts';
import { realSandboxContract } from './sandbox-real.ts';

sandboxContract('nspawn', REAL_WORKLOADS);
realSandboxContract('nspawn');
