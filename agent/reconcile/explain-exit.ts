import { instanceName, type Assignment } from '../../shared/domain/assignment.ts';
import { configBytes, largestVars } from '../../shared/domain/config-size.ts';
import type { Exit, Reason } from '../../shared/domain/instance.ts';

const MIB = 1024 * 1024;

/** How a process ended, whether it was ever live, and its last lines of output. */
export interface Ending {
  readonly exit: Exit;
  readonly everLive: boolean;
  readonly lastLines: readonly string[];
}

/** Pure: the reason for users when a process ended without a stop. As on Heroku, every such end is a crash. */
export function explainExit(assignment: Assignment, { exit, everLive, lastLines }: Ending): Reason {
  const name = instanceName(assignment);
  const when = everLive ? '' : ' before it was ready';
  if (exit.oomKilled) return outOfMemory(assignment, exit.oomOfNode === true, when);
  if (exit.signal !== undefined) {
    return {
      code: 'SLIP_APP_KILLED',
      message: `${name} was ended by ${exit.signal}${when}.`,
      hint: `Look at its last lines with: slipway logs -a ${assignment.app} -p ${name}`,
    };
  }
  if (exit.code === 127 || exit.code === 126) {
    const script = crlfScript(lastLines);
    if (script !== undefined) return crlf(name, script);
    if (lastLines.some((line) => line.endsWith(TOO_LONG))) return environmentTooLarge(assignment);
    return {
      code: 'SLIP_APP_COMMAND',
      message: `${name} could not run its command \`${assignment.command.slice(0, 200)}\` (exit ${String(exit.code)}).`,
      hint: 'Check the command in the Procfile: the program must exist in the app or the stack and be executable.',
    };
  }
  const how =
    exit.code === undefined ? 'ended, and its exit status is unknown' : `exited with status ${String(exit.code)}`;
  return {
    code: 'SLIP_APP_EXITED',
    message: `${name} ${how}${when}.`,
    hint: `Look at its last lines with: slipway logs -a ${assignment.app} -p ${name}`,
  };
}

function outOfMemory(assignment: Assignment, isOfNode: boolean, when: string): Reason {
  const name = instanceName(assignment);
  const limit = `${String(Math.round(assignment.limits.memoryBytes / MIB))} MB`;
  if (isOfNode) {
    return {
      code: 'SLIP_APP_NODE_OUT_OF_MEMORY',
      message: `${name} was killed${when}: its node ran out of memory. ${name} itself used less than its limit of ${limit}.`,
      hint: 'All apps of the node together need more memory than it has. Ask the operator for a node with more memory, or for another node: slipway nodes',
    };
  }
  return {
    code: 'SLIP_APP_OUT_OF_MEMORY',
    message: `${name} was killed${when}: it used more memory than its limit of ${limit}.`,
    hint: `Look at its last lines with: slipway logs -a ${assignment.app} -p ${name}`,
  };
}

/** The message of all shells for E2BIG. */
const TOO_LONG = ': Argument list too long';

function environmentTooLarge(assignment: Assignment): Reason {
  const { app, config } = assignment;
  return {
    code: 'SLIP_APP_ENVIRONMENT',
    message: `${instanceName(assignment)} could not run its command: Linux says that its arguments and environment are too large. Its config vars have ${String(configBytes(config))} bytes.`,
    hint: largestVars(app, config),
  };
}

/** Messages of dyno.sh, bash and env for a script whose first line ends in CRLF. */
const CRLF_LINES: readonly RegExp[] = [
  /slipway: (?<script>\S+): the first line ends in CRLF/,
  /(?:^|: )(?<script>[^\s:]+): [^\s:]+(?:\^M|\r|\\r|\\x0d): bad interpreter/,
  /env: ['\u2018"]?(?<program>[^\s'\u2019"]+?)(?:\\r|\^M|\r|\\x0d)['\u2019"]?: No such file/,
];

/** The script, or the program in its first line; undefined when no line reports a CRLF. */
function crlfScript(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    for (const pattern of CRLF_LINES) {
      const groups = pattern.exec(line.slice(0, 1_000))?.groups;
      if (groups !== undefined) return (groups['script'] ?? `a script for ${groups['program'] ?? 'env'}`).slice(0, 200);
    }
  }
  return undefined;
}

function crlf(name: string, script: string): Reason {
  return {
    code: 'SLIP_APP_CRLF',
    message: `${name} could not start ${script}: its first line ends in CRLF (Windows line ends), so no such interpreter is found.`,
    hint: `Save the file with LF line ends, commit and push: sed -i 's/\\r$//' FILE (the bytes are deployed as they were committed)`,
  };
}
