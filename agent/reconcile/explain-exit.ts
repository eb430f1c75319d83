import { instanceName, type Assignment } from '../../shared/domain/assignment.ts';
import type { Exit, Reason } from '../../shared/domain/instance.ts';

const MIB = 1024 * 1024;

/** Pure: the sentence for a process that ended by itself. Every end is a crash: an app is meant to stay up (Heroku). */
export function explainExit(assignment: Assignment, exit: Exit, everLive: boolean): Reason {
  const name = instanceName(assignment);
  const when = everLive ? '' : ' before it was ready';
  if (exit.oomKilled) {
    return {
      code: 'SLIP_APP_OUT_OF_MEMORY',
      message: `${name} was killed${when}: it used more than its ${String(Math.round(assignment.limits.memoryBytes / MIB))} MB of memory.`,
      hint: `Look at its last lines with: slipway logs -a ${assignment.app} -p ${name}`,
    };
  }
  if (exit.signal !== undefined) {
    return {
      code: 'SLIP_APP_KILLED',
      message: `${name} was ended by ${exit.signal}${when}.`,
      hint: `Look at its last lines with: slipway logs -a ${assignment.app} -p ${name}`,
    };
  }
  if (exit.code === 127 || exit.code === 126) {
    return {
      code: 'SLIP_APP_COMMAND',
      message: `${name} could not run its command \`${assignment.command.slice(0, 200)}\` (exit ${String(exit.code)}).`,
      hint: 'Check the command in the Procfile: the program must exist in the app or the stack and be executable.',
    };
  }
  const how = exit.code === undefined ? 'ended, nobody saw how' : `exited with status ${String(exit.code)}`;
  return {
    code: 'SLIP_APP_EXITED',
    message: `${name} ${how}${when}.`,
    hint: `Look at its last lines with: slipway logs -a ${assignment.app} -p ${name}`,
  };
}
