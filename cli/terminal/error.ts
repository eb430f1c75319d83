import { SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import { escapeControls } from './escape.ts';
import type { Paint } from './paint.ts';

/** ` !    MESSAGE`, and below it the hint. */
export function renderError(error: unknown, paint: Paint): string {
  const known = error instanceof SlipwayError ? error : internal(error);
  const lines = escapeControls(known.message).split('\n');
  const message = lines.map((line) => ` ${paint.red('!')}    ${line}\n`).join('');
  return known.hint === undefined ? message : `${message}      ${escapeControls(known.hint)}\n`;
}

/** The error as one line of JSON, for scripts. */
export function renderErrorJson(error: unknown): string {
  const { code, message, hint, details } = error instanceof SlipwayError ? error : internal(error);
  const facts = Object.keys(details).length === 0 ? {} : { details };
  return `${JSON.stringify({ code, message, hint, ...facts })}\n`;
}

/** A bug of the CLI. The user can report the stack trace. */
function internal(error: unknown): SlipwayError {
  const { code, hint } = toSlipwayError(error);
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new SlipwayError({ code, message: `slipway failed unexpectedly: ${detail}`, hint });
}
