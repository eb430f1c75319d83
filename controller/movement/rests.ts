import type { NodeId } from '../../shared/domain/ids.ts';

const FIRST_MS = 10_000;
const LONGEST_MS = 5 * 60_000;

interface Rest {
  readonly failures: number;
  readonly untilMs: number;
  /** Where it did not come up: other nodes are tried first. */
  readonly avoid: ReadonlySet<NodeId>;
}

/** Slots whose last copy did not come up wait before the next, each time longer. Memory only: a new controller tries at once. */
export class Rests {
  readonly #rests = new Map<string, Rest>();

  failed(slot: string, nodeId: NodeId, nowMs: number): void {
    const before = this.#rests.get(slot);
    const failures = (before?.failures ?? 0) + 1;
    const untilMs = nowMs + Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
    this.#rests.set(slot, { failures, untilMs, avoid: new Set([...(before?.avoid ?? []), nodeId]) });
  }

  resting(slot: string, nowMs: number): boolean {
    return (this.#rests.get(slot)?.untilMs ?? 0) > nowMs;
  }

  avoided(slot: string): ReadonlySet<NodeId> {
    return this.#rests.get(slot)?.avoid ?? NOBODY;
  }

  live(slot: string): void {
    this.#rests.delete(slot);
  }
}

const NOBODY: ReadonlySet<NodeId> = new Set();
