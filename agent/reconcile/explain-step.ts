import { toReason, type Reason } from '../../shared/domain/instance.ts';
import { isDiskFull, type ReadDiskSpace } from '../../shared/kit/disk.ts';

/** The reason for users when a step of an instance failed and is tried again. */
export async function explainStep(error: unknown, stateDir: string, read?: ReadDiskSpace): Promise<Reason> {
  if (await isDiskFull(stateDir, read)) {
    return {
      code: 'SLIP_DISK_FULL',
      message: "The node's disk is full, so no new instance can start there.",
      hint: 'An operator must free space on the node (see: slipway nodes). Then push again.',
    };
  }
  return toReason(error);
}
