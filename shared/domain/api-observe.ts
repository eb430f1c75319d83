import type { FleetEvent } from './event.ts';

/** One page of events, newest first. */
export interface EventsBody {
  readonly events: readonly FleetEvent[];
  /** Where the next page starts; absent on the last one. */
  readonly before?: number | undefined;
}

/** Why something is as it is: each chain leads from a cause to what it came to. */
export interface WhyBody {
  /** `web.1 of shop` */
  readonly about: string;
  readonly well: boolean;
  /** The worst first. */
  readonly chains: readonly WhyChain[];
}

export interface WhyChain {
  /** `SLIP_…` where there is one. */
  readonly code?: string | undefined;
  /** Plain sentences, cause first. */
  readonly links: readonly string[];
  /** The command that mends it, or leads on where only a person can. */
  readonly next: string;
}
