import { PassThrough, type Readable } from 'node:stream';
import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { LAST_WORDS_MS } from '../access/open-accesses.ts';
import { errorBody } from './api-errors.ts';

interface Ending {
  readonly revoked: AbortSignal;
  /** Lines of JSON get the reason as an error body. Other answers get a line of text. */
  readonly isJson: boolean;
  readonly clock: Clock;
  /** Closes the connection. */
  readonly close: () => void;
}

/** Passes an answer on. When the caller loses access, the answer ends with the reason. */
export function endWhenRevoked(answer: Readable, { revoked, isJson, clock, close }: Ending): Readable {
  const passed = new PassThrough();
  const end = (): void => {
    const error = toSlipwayError(revoked.reason);
    answer.unpipe(passed);
    passed.end(`${isJson ? JSON.stringify(errorBody(error)) : `\n !     ${error.message}`}\n`);
    answer.destroy();
    passed.once('close', callAfter(clock, LAST_WORDS_MS, close));
  };
  answer.once('error', (error) => passed.destroy(error));
  // `pipe` ends `passed` only after the end of the answer, not when the answer is destroyed.
  answer.once('close', () => {
    if (!passed.writableEnded) passed.destroy();
  });
  passed.once('close', () => {
    revoked.removeEventListener('abort', end);
    answer.destroy();
  });
  revoked.addEventListener('abort', end, { once: true });
  return answer.pipe(passed);
}
