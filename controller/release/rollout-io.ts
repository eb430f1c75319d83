import type { Failure } from '../assignments/instance-failure.ts';
import type { SlipwayError } from '../../shared/kit/errors.ts';

export type RolloutOutcome =
  | {
      readonly ok: true;
      readonly nodes: number;
      /** When the traffic moved from the old to the new instances. Monotonic ms. */
      readonly switchedAtMs: number;
      /** Steps of the slowest start of an instance. */
      readonly timingsMs: Readonly<Record<string, number>>;
      /** Why the git ref could not be set. It is tried again in the background. */
      readonly refLate?: SlipwayError | undefined;
    }
  | { readonly ok: false; readonly failure: Failure };

export interface RolloutIo {
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
  /** Aborted when a user aborts the deploy. Then the release fails with the reason of the signal. */
  readonly abort?: AbortSignal | undefined;
  /** Prints a text for the user who waits for the release. */
  readonly print?: ((text: string) => void) | undefined;
}
