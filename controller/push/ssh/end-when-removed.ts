import type { Socket } from 'node:net';
import type { Clock } from '../../../shared/kit/clock.ts';
import { toSlipwayError } from '../../../shared/kit/errors.ts';
import { callAfter } from '../../../shared/kit/timer.ts';
import { LAST_WORDS_MS } from '../../access/open-accesses.ts';

interface Ending {
  /** Aborts with the reason when the key of the connection is removed. */
  readonly removed: AbortSignal;
  readonly clock: Clock;
  /** Sends the reason to the client. */
  readonly say: (reason: string) => void;
}

/** Ends a connection when its key is removed. A client that does not read is cut off. */
export function endWhenRemoved(socket: Socket, { removed, clock, say }: Ending): void {
  const end = (): void => {
    say(toSlipwayError(removed.reason).message);
    socket.destroySoon();
    socket.once(
      'close',
      callAfter(clock, LAST_WORDS_MS, () => socket.destroy()),
    );
  };
  removed.addEventListener('abort', end, { once: true });
}
