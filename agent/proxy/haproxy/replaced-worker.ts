import type { Clock } from '../../../shared/kit/clock.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import type { RuntimeStep } from './converge.ts';
import type { Observed } from './observed.ts';
import type { Runtime } from './runtime.ts';

/** HAProxy reports neither the end of a reload nor the end of a worker, so the agent must ask again. */
const RETRY_MS = 20;

interface Deps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtime: Pick<Runtime, 'correctOld'>;
  /** Pids of the replaced workers that have not ended. */
  readonly replacedPids: () => Promise<readonly number[]>;
  readonly limitMs: number;
}

/**
 * Changes a replaced worker. It still serves requests on open connections, so it needs every change of the routes.
 * A reload in the middle closes the connection to the master. So a failure does not mean that the worker has ended.
 */
export async function changeReplacedWorker(
  pid: number,
  plan: (observed: Observed) => readonly RuntimeStep[],
  { clock, logger, runtime, replacedPids, limitMs }: Deps,
): Promise<void> {
  const deadline = clock.monotonicMs() + limitMs;
  for (;;) {
    try {
      await runtime.correctOld(pid, plan);
      return;
    } catch (error) {
      if (!(await replacedPids()).includes(pid)) return;
      if (clock.monotonicMs() >= deadline) {
        logger.warn({ err: error, workerPid: pid }, 'proxy.replaced_worker_not_changed');
        return;
      }
      await clock.sleep(RETRY_MS);
    }
  }
}
