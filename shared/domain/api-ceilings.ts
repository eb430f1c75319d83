import type { Ceilings } from './ceilings.ts';

/** The most that `ps:limits` may give each instance of an app. */
export interface CeilingsBody {
  readonly ceilings: Ceilings;
}
