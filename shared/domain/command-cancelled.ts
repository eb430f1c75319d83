import type { CommandTask } from './command.ts';
import type { Reason } from './instance.ts';

/** A user stopped the command before its process started: on the controller, or on its node. */
export function cancelledBeforeStart({ app, process }: Pick<CommandTask, 'app' | 'process'>): Reason {
  return {
    code: 'SLIP_COMMAND_CANCELLED',
    message: `${process} of ${app} was stopped before it started.`,
    hint: 'Start it again.',
  };
}
