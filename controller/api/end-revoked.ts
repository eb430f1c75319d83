import { PassThrough, type Readable } from 'node:stream';
import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { errorBody } from './api-errors.ts';

/** The time that a client has to read the reason. Then its connection is closed. */
export const LAST_WORDS_MS = 2_000;

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
  passed.once('close', () => {
    revoked.removeEventListener('abort', end);
    answer.destroy();
  });
  revoked.addEventListener('abort', end, { once: true });
  return answer.pipe(passed);
}
