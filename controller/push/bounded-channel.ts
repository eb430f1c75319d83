import { renderError, SlipwayError } from '../../shared/kit/errors.ts';
import type { GitChannel } from './git/receive-pack.ts';
import type { Turn } from './git-turns.ts';

const TOO_SLOW =
  'The connection carried less than 64 kB/s while others waited, so this transfer was stopped. Try again on a faster connection, or with a smaller push.\n';

interface BoundedChannel {
  readonly channel: GitChannel;
  /** The transfer has ended: from now on the destruction of the app does not end git. */
  readonly over: () => void;
}

/** A channel that ends git, with a message to the client, when the app is destroyed or the turn is too slow. */
export function boundedChannel(channel: GitChannel, destroyed: AbortSignal, turn: Turn): BoundedChannel {
  const transfer = untilDestroyed(channel, destroyed);
  return { channel: withinTurn(transfer.channel, turn), over: transfer.over };
}

function untilDestroyed(channel: GitChannel, signal: AbortSignal): BoundedChannel {
  const end = new AbortController();
  const stop = (): void => {
    if (signal.reason instanceof SlipwayError) channel.errors.write(renderError(signal.reason));
    end.abort(signal.reason);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return {
    channel: { ...channel, closed: AbortSignal.any([channel.closed, end.signal]) },
    over: () => signal.removeEventListener('abort', stop),
  };
}

function withinTurn(channel: GitChannel, turn: Turn): GitChannel {
  turn.tooSlow.addEventListener('abort', () => void channel.errors.write(TOO_SLOW), { once: true });
  return { ...channel, closed: AbortSignal.any([channel.closed, turn.tooSlow]), traffic: turn.traffic };
}
