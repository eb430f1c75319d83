import type { CommandResult } from '../../shared/domain/command.ts';
import { howItEnded, type Reason } from '../../shared/domain/instance.ts';
import type { TaskState } from '../../shared/domain/states.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { CommandEnd, CommandRow } from './commands.ts';

type Named = Pick<CommandRow, 'app' | 'process' | 'timeoutMs'>;

/** The last state of a command, and why it failed. Pure. */
export function endOf(command: Named, end: CommandEnd): { readonly state: TaskState; readonly failure?: Reason } {
  if ('failure' in end) {
    const state = end.failure.code === 'SLIP_COMMAND_CANCELLED' ? 'cancelled' : 'failed';
    return { state, failure: end.failure };
  }
  const { exit, endedBy } = end.result;
  if (endedBy === 'cancel') return { state: 'cancelled', failure: stopped(command) };
  if (endedBy === 'timeout') return { state: 'failed', failure: timedOut(command) };
  return exit.code === 0 ? { state: 'succeeded' } : { state: 'failed', failure: failed(command, end.result) };
}

function failed({ app, process }: Named, { exit }: CommandResult): Reason {
  return {
    code: 'SLIP_COMMAND_FAILED',
    message: `${process} of ${app} ${howItEnded(exit)}.`,
    hint: `Look at its output with: slipway logs -a ${app} -p ${process}`,
  };
}

function timedOut({ app, process, timeoutMs }: Named): Reason {
  return {
    code: 'SLIP_COMMAND_TIMEOUT',
    message: `${process} of ${app} ran longer than its limit of ${formatDuration(timeoutMs)} and was stopped.`,
    hint: `Look at its output with: slipway logs -a ${app} -p ${process}`,
  };
}

function stopped({ app, process }: Named): Reason {
  return {
    code: 'SLIP_COMMAND_CANCELLED',
    message: `${process} of ${app} was stopped.`,
    hint: `Look at its output with: slipway logs -a ${app} -p ${process}`,
  };
}
