import type { AgentMessage, UnknownMessage } from '../../shared/rpc/messages.ts';

export interface Budget {
  /** Sustained cost a second; a small message costs 1. */
  readonly perSecond: number;
  /** What may be spent at once. */
  readonly burst: number;
}

/** What one agent may send; an honest busy one stays an order of magnitude below. */
export const DEFAULT_BUDGET: Budget = Object.freeze({ perSecond: 500, burst: 2_000 });

const CHUNK_UNIT_BYTES = 16 * 1024;
const LIST_UNIT = 50;

/** A token bucket. Time is an argument. */
export class MessageBudget {
  readonly #budget: Budget;
  #left: number;
  #at: number;

  constructor(budget: Budget, nowMs: number) {
    this.#budget = budget;
    this.#left = budget.burst;
    this.#at = nowMs;
  }

  /** Spends, and returns how long to stop reading, ms; 0 while within the budget. */
  spend(cost: number, nowMs: number): number {
    const { perSecond, burst } = this.#budget;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#at) * perSecond) / 1000) - cost;
    this.#at = nowMs;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left * 1000) / perSecond);
  }
}

/** Grows with what a message makes us do. */
export function costOf(message: AgentMessage | UnknownMessage): number {
  switch (message.kind) {
    case 'taskOutput':
      return 1 + message.chunk.length / CHUNK_UNIT_BYTES;
    case 'instanceReport':
      return 1 + message.statuses.length / LIST_UNIT;
    case 'logChunk':
      return 1 + message.lines.length / LIST_UNIT;
    default:
      return 1;
  }
}
