import type { AppId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';

/** A host name of an app beside its own under the base domain; `*.example.com` is every name one below that nobody has. */
export interface Domain {
  readonly appId: AppId;
  readonly hostname: string;
  readonly createdAtMs: number;
}

/** What the proxies must know of an app. */
export interface RoutedApp {
  readonly appId: AppId;
  readonly app: AppName;
  /** The current one; absent before the first deploy. */
  readonly release?: number | undefined;
  readonly domains: readonly string[];
  readonly createdAtMs: number;
}
