import type { Reason } from '../../shared/domain/instance.ts';
import { isDiskFull, type ReadDiskSpace } from '../../shared/kit/disk.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';

/** What keeps an instance from getting on, while the step that failed is tried again. */
export async function explainStep(error: unknown, stateDir: string, read?: ReadDiskSpace): Promise<Reason> {
  if (await isDiskFull(stateDir, read)) {
    return {
      code: 'SLIP_DISK_FULL',
      message: "The node's disk is full, so nothing new can start there.",
      hint: 'Its operator makes room on it (slipway nodes lists the nodes); then push again.',
    };
  }
  const { code, message, hint } = toSlipwayError(error);
  return { code, message, hint };
}
