import type { Reason } from '../../shared/domain/instance.ts';

/** What becomes of an offer of the controller. */
export type Decision<T> =
  | {
      readonly accepted: true;
      readonly document: T;
      /** False: the same as what is on disk. */ readonly changed: boolean;
    }
  | { readonly accepted: false; readonly reason: Reason };
