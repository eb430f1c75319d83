import { inspect } from 'node:util';

/**
 * What the code that catches the error must do.
 *  user       the input or state of the caller: show message and hint, do not retry
 *  conflict   a temporary conflict (lock, generation): try again later, without a message
 *  transient  a failure of the network or the disk: retry with back-off
 *  bug        a defect of Slipway: log all causes, show only the safe message
 */
export type ErrorKind = 'user' | 'conflict' | 'transient' | 'bug';

export interface ErrorFields {
  /** Stable, `SLIP_<AREA>_<NAME>`; listed in docs/errors.md. */
  readonly code: string;
  /** One sentence that the user understands. No secrets, no stack. */
  readonly message: string;
  /** What to do next, with the command to run. */
  readonly hint?: string | undefined;
  readonly kind?: ErrorKind | undefined;
  /** HTTP status of the error at the API's edge; derived from the kind when absent. */
  readonly httpStatus?: number | undefined;
  readonly cause?: unknown;
  /** Machine-readable facts for `--json`. Never secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
}

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = { user: 400, conflict: 409, transient: 503, bug: 500 };

/** The error class of Slipway: code, message, hint, cause. */
export class SlipwayError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly kind: ErrorKind;
  readonly httpStatus: number;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(fields: ErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'SlipwayError';
    this.code = fields.code;
    this.hint = fields.hint;
    this.kind = fields.kind ?? 'user';
    this.httpStatus = fields.httpStatus ?? STATUS_OF_KIND[this.kind];
    this.details = fields.details ?? {};
  }
}

/** The safe message and hint of any failure. An unknown failure becomes an error of kind `bug` with the failure as its cause. */
export function toSlipwayError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error;
  return new SlipwayError({
    code: 'SLIP_INTERNAL',
    kind: 'bug',
    message: 'Slipway hit an unexpected problem and wrote the details to its log.',
    hint: 'Try again. If this happens again, report it and attach the log of the controller.',
    cause: error,
  });
}

/** Heroku's prefix for error lines in the output of a push. */
export const TROUBLE = ' !     ';

/** Message and hint, one line each. */
export function renderError(error: SlipwayError, prefix = ''): string {
  return [error.message, error.hint].flatMap((line) => (line === undefined ? [] : [`${prefix}${line}\n`])).join('');
}

/** The messages of the error and its causes, for logs only. */
export function describeCauses(error: unknown): string {
  const parts: string[] = [];
  for (
    let at: unknown = error;
    at !== undefined && parts.length < 10;
    at = at instanceof Error ? at.cause : undefined
  ) {
    parts.push(at instanceof Error ? at.message : typeof at === 'string' ? at : inspect(at, { depth: 1 }));
  }
  return parts.join(': ');
}

/** True for a system error with this errno name, e.g. `ENOENT`. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
