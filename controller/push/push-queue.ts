/** One push of an app at a time, in the order of arrival. */
export class PushQueue {
  readonly #lines = new Map<string, Line>();

  /**
   * Waits for the app's turn. `waiting` is called once, with the commit that has the turn. Call the returned function at the end.
   * @throws the signal's reason when it aborts while waiting
   */
  async enter(appId: string, place: Place): Promise<() => void> {
    place.signal.throwIfAborted();
    const line = this.#lines.get(appId);
    if (line === undefined) this.#lines.set(appId, { holder: place.commit, waiters: [] });
    else await wait(line, place);
    return () => {
      this.#leave(appId);
    };
  }

  #leave(appId: string): void {
    const line = this.#lines.get(appId);
    const next = line?.waiters.shift();
    if (line === undefined || next === undefined) {
      this.#lines.delete(appId);
      return;
    }
    line.holder = next.place.commit;
    next.go();
  }
}

export interface Place {
  readonly commit: string;
  readonly signal: AbortSignal;
  waiting(holderCommit: string): void;
}

interface Waiter {
  readonly place: Place;
  go(): void;
}

interface Line {
  holder: string;
  readonly waiters: Waiter[];
}

function wait(line: Line, place: Place): Promise<void> {
  place.waiting(line.holder);
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      line.waiters.splice(line.waiters.indexOf(waiter), 1);
      reject(place.signal.reason as Error);
    };
    const waiter: Waiter = {
      place,
      go: () => {
        place.signal.removeEventListener('abort', giveUp);
        resolve();
      },
    };
    line.waiters.push(waiter);
    place.signal.addEventListener('abort', giveUp, { once: true });
  });
}
