import type { Ceilings } from './ceilings.ts';

/** Highest limits that `ps:limits` may give each instance of an app. */
export interface CeilingsBody {
  readonly ceilings: Ceilings;
}
