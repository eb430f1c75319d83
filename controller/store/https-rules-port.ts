import type { AppId } from '../../shared/domain/ids.ts';
import type { Hsts } from '../../shared/domain/hsts.ts';

/** Part of the store: the canonical name and HSTS of apps. */
export interface HttpsRuleStore {
  /** Undefined: the app has none. It ends when the domain is removed. */
  canonicalName(appId: AppId): Promise<string | undefined>;
  /** Undefined removes it. @returns false when the app does not have this domain; then nothing changes */
  setCanonicalName(appId: AppId, hostname: string | undefined): Promise<boolean>;
  hsts(appId: AppId): Promise<Hsts | undefined>;
  setHsts(appId: AppId, hsts: Hsts | undefined): Promise<void>;
}
