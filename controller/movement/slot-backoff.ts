import type { NodeId } from '../../shared/domain/ids.ts';

const FIRST_MS = 10_000;
const LONGEST_MS = 5 * 60_000;

interface Backoff {
  readonly failures: number;
  readonly untilMs: number;
  /** Nodes on which an instance of the slot failed to start. The next instance tries other nodes first. */
  readonly avoid: ReadonlySet<NodeId>;
}

/**
 * A slot (`web.1`) waits after an instance that failed to start, longer after each failure. This is kept in memory only:
 * after a restart of the controller the slot is tried at once.
 */
export class SlotBackoff {
  readonly #slots = new Map<string, Backoff>();

  failed(slot: string, nodeId: NodeId, nowMs: number): void {
    const before = this.#slots.get(slot);
    const failures = (before?.failures ?? 0) + 1;
    const untilMs = nowMs + Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
    this.#slots.set(slot, { failures, untilMs, avoid: new Set([...(before?.avoid ?? []), nodeId]) });
  }

  isWaiting(slot: string, nowMs: number): boolean {
    return (this.#slots.get(slot)?.untilMs ?? 0) > nowMs;
  }

  nodesToAvoid(slot: string): ReadonlySet<NodeId> {
    return this.#slots.get(slot)?.avoid ?? NO_NODES;
  }

  succeeded(slot: string): void {
    this.#slots.delete(slot);
  }
}

const NO_NODES: ReadonlySet<NodeId> = new Set();
