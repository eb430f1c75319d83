import type { FleetApp } from '../../shared/domain/fleet-routes.ts';
import { appLineBytes } from '../../shared/domain/fleet-routes-size.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';

export interface TableLine {
  readonly entry: FleetApp;
  /** When the app was created. */
  readonly createdAtMs: number;
}

export interface FittingTable {
  /** By app id. */
  readonly apps: readonly FleetApp[];
  /** Apps without a line, with the reason of each. */
  readonly leftOut: ReadonlyMap<AppId, Reason>;
}

/** Pure: lines that fit into the bytes. When there are too many, the newest apps have no line, so that no new app takes the place of an older one. */
export function fitTable(lines: readonly TableLine[], maxBytes: number): FittingTable {
  const byAge = lines.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.entry.appId < b.entry.appId ? -1 : 1));
  const [apps, leftOut] = [[] as FleetApp[], new Map<AppId, Reason>()];
  let left = maxBytes;
  for (const { entry } of byAge) {
    const bytes = appLineBytes(entry);
    if (bytes > left) leftOut.set(entry.appId, tooLarge(entry, bytes, maxBytes));
    else apps.push(entry);
    if (bytes <= left) left -= bytes;
  }
  return { apps: apps.sort((a, b) => (a.appId < b.appId ? -1 : 1)), leftOut };
}

function tooLarge({ app, hostnames, nodeIds }: FleetApp, bytes: number, maxBytes: number): Reason {
  return {
    code: 'SLIP_ROUTES_SIZE',
    message: `${app} gets no requests: its ${String(hostnames.length)} names and ${String(nodeIds.length)} nodes need ${String(bytes)} bytes in the route table, and the lines of all apps may have ${String(maxBytes)} bytes.`,
    hint: `slipway domains -a ${app}`,
  };
}
