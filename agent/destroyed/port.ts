import type { DestroyedApp } from '../../shared/domain/assignment.ts';
import type { AppId, Digest } from '../../shared/domain/ids.ts';

/** A destroyed app that the controller names. */
export interface NamedApp extends DestroyedApp {
  /** Wall clock at which this life of the agent heard of it. */
  readonly namedAtMs: number;
  /** Of its instances in the state before. Empty when this life of the agent began after the destroy. */
  readonly layers: ReadonlySet<Digest>;
}

/**
 * How what is left goes away:
 *  event   another part of the agent ends it, and wakes the clean-up
 *  remove  the clean-up removes it
 *  time    it goes by itself, or the operator has to look; the clean-up looks again later
 */
export type Means = 'event' | 'remove' | 'time';

/** Where an app can leave something on this node. */
export interface Place {
  /** For people: `sandbox`, `build`. */
  readonly name: string;
  readonly means: Means;
  /** What is left of each of these apps: ids, paths, numbers. An app that is not in the answer has left nothing. Changes nothing. */
  look(apps: readonly NamedApp[]): Promise<ReadonlyMap<AppId, readonly string[]>>;
  /** `remove`: removes this. `event`: asks for its end, and does not wait. */
  end?(app: NamedApp, left: readonly string[]): Promise<void>;
}
