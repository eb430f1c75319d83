import type { EgressTable } from '../../shared/domain/egress.ts';
import type { AppId } from '../../shared/domain/ids.ts';

/** Part of the store: private networks that sandboxes may reach. `undefined` for the app is the list of the fleet. */
export interface EgressStore {
  egress(): Promise<EgressTable>;
  /** @throws SLIP_EGRESS_EXISTS, SLIP_EGRESS_LIMIT */
  addEgress(appId: AppId | undefined, cidr: string): Promise<void>;
  /** False when the list does not have it. */
  removeEgress(appId: AppId | undefined, cidr: string): Promise<boolean>;
}
