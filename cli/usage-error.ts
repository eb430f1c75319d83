import { SlipwayError } from '../shared/kit/errors.ts';

/** An error of the command line. Its exit code is 2. */
export function usageError(message: string, hint: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_CLI_USAGE', message, hint });
}

/** The session of a command that SIGHUP ended has this exit code, as in a shell. The command itself may have had another one. */
const HANGUP_CODES: ReadonlySet<string> = new Set(['SLIP_ATTACH_REPLACED', 'SLIP_ATTACH_STOPPED']);
const HANGUP = 129;

export function exitCodeOf({ code }: SlipwayError): number {
  if (HANGUP_CODES.has(code)) return HANGUP;
  return code === 'SLIP_CLI_USAGE' ? 2 : 1;
}
