import type { Clock } from '../../shared/kit/clock.ts';
import type { Fleet } from '../dispatch/port.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import type { BuilderPool } from './builder-pool.ts';

/** Agents whose controller is away try again every 10 s at the latest. */
export const BUILDER_RETURN_MS = 15_000;

export interface AwaitBuilderDeps {
  readonly builders: Pick<BuilderPool, 'hasBuilder'>;
  readonly fleet: Pick<Fleet, 'nodes' | 'onChange'>;
  readonly clock: Clock;
  /** Monotonic time until which nodes may still be on their way back to a controller that has started. */
  readonly untilMs: number;
}

/** Waits for the first builder of a fleet whose controller has just started; else it returns at once, whoever is there. */
export async function awaitBuilder(
  { builders, fleet, clock, untilMs }: AwaitBuilderDeps,
  io: { readonly tell: (text: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  const isThere = (): boolean => builders.hasBuilder();
  if (isThere() || clock.monotonicMs() >= untilMs || fleet.nodes().length === 0) return;
  io.tell('The controller has just started, and no builder is back yet: your push waits for one.\n');
  await watchFleet({ fleet, clock }, { untilMs, signal: io.signal }, () =>
    Promise.resolve(isThere() ? true : undefined),
  );
}
