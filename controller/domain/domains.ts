import type { Maintenance } from '../../shared/domain/fleet-routes.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';

/** An additional host name of an app. `*.example.com` matches every name with one more label that no app has. */
export interface Domain {
  readonly appId: AppId;
  readonly hostname: string;
  readonly createdAtMs: number;
}

/** Data of an app for the proxies. */
export interface RoutedApp {
  readonly appId: AppId;
  readonly app: AppName;
  /** The current release; absent before the first deploy. */
  readonly release?: number | undefined;
  readonly domains: readonly string[];
  /** Present while the app is in maintenance. */
  readonly maintenance?: Maintenance | undefined;
  /** False: plain requests are not redirected to HTTPS. Default: they are, when every node serves the certificate. */
  readonly redirects?: boolean | undefined;
  readonly createdAtMs: number;
}
