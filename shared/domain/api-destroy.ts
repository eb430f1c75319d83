/** A node that may still hold data of a destroyed app. */
export interface AwaitedNodeBody {
  readonly node: string;
  /** Why it has not said that nothing is left: a sentence without a period, and the command that helps. */
  readonly why: string;
}

/** What is left of a destroyed app: its range of user ids. */
export interface DestroyedAppBody {
  readonly name: string;
  /** First of its 65536 user ids. */
  readonly uidBase: number;
  readonly destroyedAtMs: number;
  /** When the range became free for another app; absent: it is in quarantine. */
  readonly freeAtMs?: number | undefined;
  readonly awaited: readonly AwaitedNodeBody[];
}
