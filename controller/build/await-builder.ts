import type { Clock } from '../../shared/kit/clock.ts';
import type { Fleet } from '../dispatch/port.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import type { BuilderPool } from './builder-pool.ts';

/** An agent without a controller tries to connect at least every 10 s. */
export const BUILDER_RETURN_MS = 15_000;

export interface AwaitBuilderDeps {
  readonly builders: Pick<BuilderPool, 'hasBuilder'>;
  readonly fleet: Pick<Fleet, 'nodes' | 'onChange'>;
  readonly clock: Clock;
  /** Monotonic time until which nodes may still reconnect after a start of the controller. */
  readonly untilMs: number;
}

/** Waits for the first builder after a start of the controller. Later it returns at once, even without a builder. */
export async function awaitBuilder(
  { builders, fleet, clock, untilMs }: AwaitBuilderDeps,
  io: { readonly tell: (text: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  const hasBuilder = (): boolean => builders.hasBuilder();
  if (hasBuilder() || clock.monotonicMs() >= untilMs || fleet.nodes().length === 0) return;
  io.tell('The controller has just started, and no builder has connected yet. The push waits for one.\n');
  await watchFleet({ fleet, clock }, { untilMs, signal: io.signal }, () =>
    Promise.resolve(hasBuilder() ? true : undefined),
  );
}
