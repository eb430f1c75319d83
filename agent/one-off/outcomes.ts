import type { Reason } from '../../shared/domain/instance.ts';

interface Named {
  readonly app: string;
  readonly process: string;
}

/** The agent ended after it had accepted the command, and before the start. */
export function notStarted({ app, process }: Named): Reason {
  return {
    code: 'SLIP_COMMAND_NOT_STARTED',
    message: `${process} of ${app} did not run: the agent of its node stopped before the start.`,
    hint: 'Start it again.',
  };
}

/** The sandbox is gone, for example because the machine restarted. */
export function unknownEnd({ app, process }: Named): Reason {
  return {
    code: 'SLIP_COMMAND_UNKNOWN',
    message: `It is unknown whether ${process} of ${app} ended: its node lost it, for example because the machine restarted.`,
    hint: `Look at what it did before you start it again: slipway logs -a ${app} -p ${process}`,
  };
}
