import { SlipwayError } from '../shared/kit/errors.ts';

/** An error of the command line. Its exit code is 2. */
export function usageError(message: string, hint: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_CLI_USAGE', message, hint });
}

export function exitCodeOf(error: SlipwayError): number {
  return error.code === 'SLIP_CLI_USAGE' ? 2 : 1;
}
