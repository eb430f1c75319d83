import { REAL_WORKLOADS, sandboxContract } from './sandbox.ts';
import { realSandboxContract } from './sandbox-real.ts';

sandboxContract('process', REAL_WORKLOADS);
realSandboxContract('process');
