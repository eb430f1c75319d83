import type { FleetEvent } from './event.ts';

/** One page of events, newest first. */
export interface EventsBody {
  readonly events: readonly FleetEvent[];
  /** Where the next page starts; absent on the last one. */
  readonly before?: number | undefined;
}
