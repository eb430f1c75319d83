import type { HealthChecks } from '../../shared/domain/health-check.ts';
import type { AppId } from '../../shared/domain/ids.ts';

/** Part of the store: the health checks that are set for apps. A new release keeps them. */
export interface HealthCheckStore {
  /** Process type → its checks. Types without settings are absent; app.json decides about them. */
  healthChecks(appId: AppId): Promise<HealthChecks>;
  /** Whether the current release of any app has health checks. */
  usesHealthChecks(): Promise<boolean>;
  /** Reads, changes and writes in one transaction. @param change pure; when it throws, nothing changes */
  changeHealthChecks(appId: AppId, change: (now: HealthChecks) => HealthChecks): Promise<HealthChecks>;
}
