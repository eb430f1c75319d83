import type { Clock } from '../../shared/kit/clock.ts';
import type { AgentSession } from './agent-session.ts';

/** Limits the full tables that are sent at the same time, because each is large in a large fleet. */
const IN_FLIGHT_MAX = 32;
/** A slow node delays the full tables of other nodes at most this long. */
const SLOT_MS = 500;

/** Which sessions may get the full route table now. */
export class FullTableSlots {
  readonly #clock: Clock;
  readonly #send: (session: AgentSession) => void;
  readonly #waiting = new Set<AgentSession>();
  #inFlight = 0;

  /** @param send called for a session that waited, when it may get its table */
  constructor(clock: Clock, send: (session: AgentSession) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** @returns false when the session must wait */
  isFree(session: AgentSession): boolean {
    const isFree = this.#inFlight < IN_FLIGHT_MAX;
    if (!isFree) this.#waiting.add(session);
    return isFree;
  }

  leave(session: AgentSession): void {
    this.#waiting.delete(session);
  }

  /** Uses a place until the table is in the stream. */
  async hold(drained: Promise<void>): Promise<void> {
    this.#inFlight += 1;
    const stop = new AbortController();
    await Promise.race([drained, this.#clock.sleep(SLOT_MS, stop.signal).catch(() => undefined)]);
    stop.abort();
    this.#inFlight -= 1;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#send(next);
  }
}
