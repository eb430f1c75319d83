import type { NodeFigures, SwitchGap, SwitchKey } from '../../shared/domain/switch-figures.ts';
import { failureCode, type AccessRecord } from '../proxy/router-line.ts';

/** More instances of one app do not leave the proxy of one node in one switch. */
const LEFT_MAX = 1_000;

interface Drain {
  readonly leftAtMs: number;
  /** The end of its last request. */
  lastAtMs: number;
}

export interface Reading {
  readonly read: number;
  /** Instance → its open requests now. */
  readonly open: ReadonlyMap<string, number>;
  readonly lostLines: number;
  readonly nowMs: number;
}

/** Adds up the lines of one switch in the log of the proxy. Its memory does not grow with the requests. Pure: its input is lines. */
export class SwitchCount {
  readonly #key: SwitchKey;
  readonly #codes = new Map<string, number>();
  readonly #drains = new Map<string, Drain>();
  #requests = 0;
  #gap: SwitchGap | undefined;

  constructor(key: SwitchKey, gap: SwitchGap | undefined) {
    this.#key = key;
    this.#gap = gap;
  }

  /** A request of the app has ended. */
  request(record: AccessRecord, atMs: number): void {
    this.#requests += 1;
    const code = failureCode(record);
    if (code !== undefined) this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    const drain = this.#drains.get(record.instanceId ?? '');
    if (drain !== undefined) drain.lastAtMs = Math.max(drain.lastAtMs, atMs);
  }

  /** The first time counts: an agent that was restarted says it again. */
  left(instanceId: string, atMs: number): void {
    if (this.#drains.has(instanceId)) return;
    if (this.#drains.size < LEFT_MAX) this.#drains.set(instanceId, { leftAtMs: atMs, lastAtMs: atMs });
    else this.missed('late');
  }

  /** The instance serves again. */
  entered(instanceId: string): void {
    this.#drains.delete(instanceId);
  }

  /** Some lines are missing. Keeps the first cause. */
  missed(gap: SwitchGap): void {
    this.#gap ??= gap;
  }

  /** Instances that left the proxy. */
  draining(): readonly string[] {
    return [...this.#drains.keys()];
  }

  figures({ read, open, lostLines, nowMs }: Reading): NodeFigures {
    const drains = [...this.#drains].map(([instanceId, { leftAtMs, lastAtMs }]) =>
      (open.get(instanceId) ?? 0) > 0 ? Math.max(nowMs, lastAtMs) - leftAtMs : lastAtMs - leftAtMs,
    );
    return {
      ...this.#key,
      read,
      requests: this.#requests,
      codes: Object.fromEntries(this.#codes),
      openRequests: [...open.values()].reduce((sum, count) => sum + count, 0),
      longestDrainMs: Math.max(0, ...drains),
      lostLines,
      gap: this.#gap,
    };
  }
}

/** Lines that were lost between two readings of the proxy's counters. A new process of the proxy begins at 0. Pure. */
export function lostBetween(before: Readonly<Record<string, number>>, now: ReadonlyMap<string, number>): number {
  return [...now].reduce((sum, [process, count]) => sum + Math.max(0, count - (before[process] ?? 0)), 0);
}
