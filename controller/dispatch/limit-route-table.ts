import type { FleetApp } from '../../shared/domain/fleet-routes.ts';
import { appLineBytes } from '../../shared/domain/fleet-routes-size.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { RoutedApp } from '../domain/domains.ts';

/** The entry of one app in the route table. */
export interface RouteTableRow {
  readonly entry: FleetApp;
  /** When the app was created. */
  readonly createdAtMs: number;
  readonly rules?: Pick<RoutedApp, 'redirects' | 'canonical' | 'hsts'> | undefined;
}

export interface LimitedRouteTable {
  /** By app id. */
  readonly apps: readonly FleetApp[];
  /** The apps without an entry, with the reason of each. */
  readonly leftOut: ReadonlyMap<AppId, Reason>;
}

/** Pure: the rows that fit into `maxBytes`. The newest apps are left out first, so that a new app never displaces an older one. */
export function limitRouteTable(rows: readonly RouteTableRow[], maxBytes: number): LimitedRouteTable {
  const byAge = rows.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.entry.appId < b.entry.appId ? -1 : 1));
  const [apps, leftOut] = [[] as FleetApp[], new Map<AppId, Reason>()];
  let freeBytes = maxBytes;
  for (const { entry } of byAge) {
    const bytes = appLineBytes(entry);
    if (bytes > freeBytes) leftOut.set(entry.appId, tooLarge(entry, bytes, maxBytes));
    else apps.push(entry);
    if (bytes <= freeBytes) freeBytes -= bytes;
  }
  return { apps: apps.sort((a, b) => (a.appId < b.appId ? -1 : 1)), leftOut };
}

function tooLarge({ app, hostnames, nodeIds }: FleetApp, bytes: number, maxBytes: number): Reason {
  return {
    code: 'SLIP_ROUTES_SIZE',
    message: `${app} gets no requests: its ${String(hostnames.length)} names and ${String(nodeIds.length)} nodes need ${String(bytes)} bytes in the route table, but the entries of all apps together may use only ${String(maxBytes)} bytes.`,
    hint: `slipway domains -a ${app}`,
  };
}
