import type { DestroyedApp } from '../../shared/domain/assignment.ts';
import type { AppId, Digest } from '../../shared/domain/ids.ts';

/** A destroyed app in the desired state. */
export interface NamedApp extends DestroyedApp {
  /** Wall clock time at which this agent got the name, since its start. */
  readonly namedAtMs: number;
  /** Layers of its instances in the state before. Empty when this agent started after the destroy. */
  readonly layers: ReadonlySet<Digest>;
}

/**
 * How a leftover disappears:
 *  event   another part of the agent ends it, and wakes the clean-up
 *  remove  the clean-up removes it
 *  time    it ends without the agent, or an operator has to end it; the clean-up searches again later
 */
export type Means = 'event' | 'remove' | 'time';

/** Where an app can leave something on this node. */
export interface Place {
  /** For messages: `sandbox`, `build`. */
  readonly name: string;
  readonly means: Means;
  /** The leftovers of each of these apps: ids, paths, numbers. An app without an entry has none. Changes nothing. */
  look(apps: readonly NamedApp[]): Promise<ReadonlyMap<AppId, readonly string[]>>;
  /** For `remove`, removes the leftovers. For `event`, requests their end and does not wait. */
  end?(app: NamedApp, left: readonly string[]): Promise<void>;
}
