interface Flight {
  readonly work: Promise<void>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Work shared by key: callers of one key wait for one piece of work, and it is aborted when the last of them is.
 * New work for a key begins only after an aborted predecessor has ended.
 */
export class Flights {
  readonly #flights = new Map<string, Flight>();
  readonly #ending = new Map<string, Promise<void>>();

  async join(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.waiting += 1;
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([flight.work, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      flight.waiting -= 1;
      if (flight.waiting === 0) this.#abandon(key, flight);
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<void>): Flight {
    const controller = new AbortController();
    const before = this.#ending.get(key) ?? Promise.resolve();
    const flight: Flight = { work: before.then(() => work(controller.signal)), controller, waiting: 0 };
    const ended: Promise<void> = flight.work.catch(() => undefined).then(() => this.#forget(key, flight, ended));
    this.#flights.set(key, flight);
    this.#ending.set(key, ended);
    return flight;
  }

  #abandon(key: string, flight: Flight): void {
    flight.controller.abort();
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  #forget(key: string, flight: Flight, ended: Promise<void>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    if (this.#ending.get(key) === ended) this.#ending.delete(key);
  }
}
