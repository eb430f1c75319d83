import type { Clock } from '../../shared/kit/clock.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { TurnPace, type Traffic } from './turn-pace.ts';

export interface TurnLimits {
  /** Number of gits that receive or send a pack at a time: the total, and for each user. Each may use the memory of one git. */
  readonly max: number;
  readonly maxPerUser: number;
  /** While others wait, a turn ends when it has waited longer than this for its client and moved fewer bytes per second of this time. */
  readonly slowAfterMs: number;
  readonly minBytesPerSecond: number;
}

export const DEFAULT_TURN_LIMITS: TurnLimits = Object.freeze({
  max: 3,
  maxPerUser: 2,
  slowAfterMs: 60_000,
  minBytesPerSecond: 64 * 1024,
});

const CHECK_MS = 5_000;
/** A connection without traffic for minutes counts as idle, also at the client. */
const TELL_AGAIN_MS = 60_000;

export interface Turn {
  /** Aborts when the turn was too slow while others waited. */
  readonly tooSlow: AbortSignal;
  readonly traffic: Traffic;
  /** May be called more than once. */
  readonly leave: () => void;
}

interface Holder {
  readonly userId: string;
  readonly pace: TurnPace;
  readonly end: () => void;
}

interface Waiter {
  readonly userId: string;
  readonly go: () => void;
  readonly tell: () => void;
  toldAtMs: number;
}

/** Limits how many gits use memory at a time. A free turn goes to the first waiting git whose user is below the limit. */
export class GitTurns {
  readonly #limits: TurnLimits;
  readonly #clock: Clock;
  readonly #holders = new Set<Holder>();
  #waiters: Waiter[] = [];
  #stopCheck: (() => void) | undefined;

  constructor(limits: TurnLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** `waiting` is called when there is no free turn, and every minute until there is one. @throws the signal's reason when it aborts before the turn */
  async enter(userId: string, io: { readonly signal: AbortSignal; readonly waiting: () => void }): Promise<Turn> {
    io.signal.throwIfAborted();
    if (this.#hasRoom(userId)) return this.#begin(userId);
    io.waiting();
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter);
        reject(io.signal.reason as Error);
      };
      const waiter: Waiter = {
        userId,
        tell: io.waiting,
        toldAtMs: this.#clock.monotonicMs(),
        go: () => {
          io.signal.removeEventListener('abort', giveUp);
          resolve(this.#begin(userId));
        },
      };
      this.#waiters.push(waiter);
      io.signal.addEventListener('abort', giveUp, { once: true });
      this.#checkLater();
    });
  }

  #hasRoom(userId: string): boolean {
    const own = [...this.#holders].filter((holder) => holder.userId === userId).length;
    return this.#holders.size < this.#limits.max && own < this.#limits.maxPerUser;
  }

  #begin(userId: string): Turn {
    const tooSlow = new AbortController();
    const end = (): void => tooSlow.abort(new Error('too slow while others wait'));
    const pace = new TurnPace(this.#clock.monotonicMs());
    const holder: Holder = { userId, pace, end };
    this.#holders.add(holder);
    return {
      tooSlow: tooSlow.signal,
      traffic: {
        fromClient: (bytes, blocked) => pace.fromClient(this.#clock.monotonicMs(), bytes, blocked),
        fromGit: (bytes, blocked) => pace.fromGit(this.#clock.monotonicMs(), bytes, blocked),
        gitReads: () => pace.gitReads(this.#clock.monotonicMs()),
        clientReads: () => pace.clientReads(this.#clock.monotonicMs()),
      },
      leave: () => {
        if (this.#holders.delete(holder)) this.#next();
      },
    };
  }

  #next(): void {
    for (const waiter of [...this.#waiters]) {
      if (!this.#hasRoom(waiter.userId)) continue;
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
      waiter.go();
    }
  }

  #checkLater(): void {
    this.#stopCheck ??= callAfter(this.#clock, CHECK_MS, () => {
      this.#stopCheck = undefined;
      if (this.#waiters.length === 0) return;
      const nowMs = this.#clock.monotonicMs();
      for (const holder of this.#holders) if (this.#isSlow(holder, nowMs)) holder.end();
      for (const waiter of this.#waiters) tellAgain(waiter, nowMs);
      this.#checkLater();
    });
  }

  #isSlow(holder: Holder, nowMs: number): boolean {
    const { clientMs, bytes } = holder.pace.total(nowMs);
    return clientMs > this.#limits.slowAfterMs && (bytes * 1000) / clientMs < this.#limits.minBytesPerSecond;
  }
}

function tellAgain(waiter: Waiter, nowMs: number): void {
  if (nowMs - waiter.toldAtMs < TELL_AGAIN_MS) return;
  waiter.toldAtMs = nowMs;
  waiter.tell();
}
