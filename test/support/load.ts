import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface Seen {
  readonly bodies: string[];
  /** Monotonic ms at which each body was complete. */
  readonly endedAtMs: number[];
  readonly failures: string[];
  /** Monotonic ms of each failure. */
  readonly failedAtMs: number[];
  /** Monotonic ms at which each request that failed was sent. */
  readonly failedSentAtMs: number[];
}

interface Target {
  readonly address: string;
  readonly port: number;
  /** As in the header. */
  readonly host: string;
}

/** Longer than any answer of the product may take. */
const CLIENT_TIMEOUT_MS = 120_000;
/** A machine that is too busy for the rate gets no more requests at a time, or it would never recover. */
const OPEN_MAX = 100;

/** Requests at a constant rate, each on a new connection, independent of the answers (an open loop) while few are open. */
export class Load {
  readonly #seen: Seen = { bodies: [], endedAtMs: [], failures: [], failedAtMs: [], failedSentAtMs: [] };
  readonly #timer: NodeJS.Timeout;
  #open = 0;

  private constructor(target: Target, ratePerS: number) {
    // A failed test does not stop it, and the file must end anyway.
    this.#timer = setInterval(() => this.#request(target), 1000 / ratePerS).unref();
  }

  /** Resolves after the first answer. */
  static start(port: number, host: string, ratePerS: number): Promise<Load> {
    return Load.at({ address: '127.0.0.1', port, host }, ratePerS);
  }

  /** Wherever it is. */
  static async at(target: Target, ratePerS: number): Promise<Load> {
    const load = new Load(target, ratePerS);
    await load.until((seen) => seen.bodies.length > 0);
    return load;
  }

  #request({ address, port, host }: Target): void {
    if (this.#open >= OPEN_MAX) return;
    this.#open += 1;
    const sentAtMs = performance.now();
    const fail = (why: string): void => {
      this.#open -= 1;
      this.#seen.failures.push(why);
      this.#seen.failedAtMs.push(performance.now());
      this.#seen.failedSentAtMs.push(sentAtMs);
    };
    const outgoing = get(
      { host: address, port, headers: { host }, agent: false, timeout: CLIENT_TIMEOUT_MS },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('error', (error) => fail(error.message));
        response.on('end', () => {
          if (response.statusCode !== 200) {
            fail(`status ${String(response.statusCode)}`);
            return;
          }
          this.#open -= 1;
          this.#seen.bodies.push(body);
          this.#seen.endedAtMs.push(performance.now());
        });
      },
    );
    outgoing.on('error', (error) => fail(error.message));
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
  }

  /** Number of requests that have ended, with or without success. */
  get count(): number {
    return this.#seen.bodies.length + this.#seen.failures.length;
  }

  get failures(): number {
    return this.#seen.failures.length;
  }

  async until(condition: (seen: Seen) => boolean, limitMs = 240_000): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!condition(this.#seen)) {
      if (performance.now() > deadline)
        throw new Error(`not seen within ${String(limitMs)} ms: ${JSON.stringify(this.#seen).slice(-500)}`);
      await delay(10);
    }
  }

  /** Stops the requests. Resolves when the open ones have ended. */
  async stop(): Promise<Seen> {
    clearInterval(this.#timer);
    while (this.#open > 0) await delay(10);
    return this.#seen;
  }
}
