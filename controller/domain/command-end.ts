import type { CommandResult } from '../../shared/domain/command.ts';
import { howItEnded, type Reason } from '../../shared/domain/instance.ts';
import type { TaskState } from '../../shared/domain/states.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { CommandEnd, CommandRow } from './commands.ts';

type Named = Pick<CommandRow, 'app' | 'process' | 'timeoutMs' | 'drainedNode'>;

/** The last state of a command, and why it failed. Pure. */
export function endOf(command: Named, end: CommandEnd): { readonly state: TaskState; readonly failure?: Reason } {
  if (isCancelled(end) && command.drainedNode !== undefined)
    return { state: 'failed', failure: drained(command, command.drainedNode) };
  if ('failure' in end) {
    const state = end.failure.code === 'SLIP_COMMAND_CANCELLED' ? 'cancelled' : 'failed';
    return { state, failure: end.failure };
  }
  const { exit, endedBy } = end.result;
  if (endedBy === 'cancel') return { state: 'cancelled', failure: stopped(command) };
  if (endedBy === 'timeout') return { state: 'failed', failure: timedOut(command) };
  return exit.code === 0 ? { state: 'succeeded' } : { state: 'failed', failure: failed(command, end.result) };
}

function isCancelled(end: CommandEnd): boolean {
  return 'failure' in end ? end.failure.code === 'SLIP_COMMAND_CANCELLED' : end.result.endedBy === 'cancel';
}

/** Nobody of the app asked for its end, so the command has failed. */
function drained({ app, process }: Named, node: string): Reason {
  return {
    code: 'SLIP_COMMAND_DRAINED',
    message: `${process} of ${app} was stopped, because node ${node} was drained.`,
    hint: `Look at what it did before you start it again: slipway logs -a ${app} -p ${process}`,
  };
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
