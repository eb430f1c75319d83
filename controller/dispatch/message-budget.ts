import type { AgentMessage, UnknownMessage } from '../../shared/rpc/messages.ts';

export interface Budget {
  /** The cost per second that an agent may spend all the time. A small message costs 1. */
  readonly perSecond: number;
  /** The cost that an agent may spend at once. */
  readonly burst: number;
}

/** The limit of one agent. A busy agent that works correctly uses about a tenth of it. */
export const DEFAULT_BUDGET: Budget = Object.freeze({ perSecond: 500, burst: 2_000 });

const CHUNK_UNIT_BYTES = 16 * 1024;
const LIST_UNIT = 50;

/** A token bucket. The caller passes the time. */
export class MessageBudget {
  readonly #budget: Budget;
  #left: number;
  #at: number;

  constructor(budget: Budget, nowMs: number) {
    this.#budget = budget;
    this.#left = budget.burst;
    this.#at = nowMs;
  }

  /** Spends the cost. @returns how long to stop reading, ms; 0 while the agent is within its budget */
  spend(cost: number, nowMs: number): number {
    const { perSecond, burst } = this.#budget;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#at) * perSecond) / 1000) - cost;
    this.#at = nowMs;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left * 1000) / perSecond);
  }
}

/** The cost of a message grows with the work that it causes. */
export function costOf(message: AgentMessage | UnknownMessage): number {
  switch (message.kind) {
    case 'taskOutput':
      return 1 + message.chunk.length / CHUNK_UNIT_BYTES;
    case 'instanceReport':
      return 1 + message.statuses.length / LIST_UNIT;
    case 'certificatesServed':
      return 1 + message.unserved.length / LIST_UNIT;
    case 'logChunk':
      return 1 + message.lines.length / LIST_UNIT;
    default:
      return 1;
  }
}
