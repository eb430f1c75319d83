import { SlipwayError } from '../shared/kit/errors.ts';

/** The command line cannot be understood: exit code 2. */
export function usageError(message: string, hint: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_CLI_USAGE', message, hint });
}

export function exitCodeOf(error: SlipwayError): number {
  return error.code === 'SLIP_CLI_USAGE' ? 2 : 1;
}
