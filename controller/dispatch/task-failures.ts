import type { Reason } from '../../shared/domain/instance.ts';
import type { BuildTask } from '../../shared/domain/build.ts';
import type { TaskKind } from '../../shared/domain/task.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** How the controller reports that a build ended without a result of its agent. */
interface TaskFailures {
  /** Printed to the output of the task while its node has no session. */
  readonly awayNotice: (rejoinMs: number) => string;
  readonly lost: () => SlipwayError;
  readonly timedOut: (task: Pick<BuildTask, 'timeoutMs'>) => SlipwayError;
  readonly cancelled: () => SlipwayError;
  /** The controller stopped while the task ran. */
  readonly interrupted: Reason;
}

export const BUILD_FAILURES: TaskFailures = {
  awayNotice: (rejoinMs) =>
    `\n !     The connection to the builder is lost. The build continues there. Waiting up to ${String(rejoinMs / 1000)} s for the builder to reconnect.\n`,
  lost: () =>
    new SlipwayError({
      code: 'SLIP_BUILDER_LOST',
      kind: 'transient',
      message: 'The builder lost its connection during the build.',
      hint: 'Push again. See which nodes are connected with: slipway status',
    }),
  timedOut: ({ timeoutMs }) =>
    new SlipwayError({
      code: 'SLIP_BUILD_TIMEOUT',
      message: `The build did not end within ${String(Math.round(timeoutMs / 1000))} s, and its builder sent no result.`,
      hint: 'Push again. See the nodes with: slipway status',
    }),
  cancelled: () =>
    new SlipwayError({
      code: 'SLIP_BUILD_CANCELLED',
      message: 'The build was cancelled.',
      hint: 'Push again to start a new one.',
    }),
  interrupted: {
    code: 'SLIP_BUILD_INTERRUPTED',
    message: 'The controller stopped during this build.',
    hint: 'Push the same commit again.',
  },
};

/** The agent of the node is older than this kind of task. */
export function unsupportedKind(node: string, kind: TaskKind): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TASK_KIND',
    message: `The agent of node ${node} is too old for tasks of the kind ${kind}.`,
    hint: `slipway nodes:upgrade ${node}`,
  });
}
