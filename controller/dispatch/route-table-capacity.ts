import type { NewEvent } from '../../shared/domain/event.ts';
import type { FleetApp } from '../../shared/domain/fleet-routes.ts';
import { fixedTableBytes, TABLE_BYTES_MAX, type FixedParts } from '../../shared/domain/fleet-routes-size.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { limitRouteTable, type LimitedRouteTable, type RouteTableRow } from './limit-route-table.ts';

/** Keeps the rows of all apps, and selects those that fit into the route table. */
export class RouteTableCapacity {
  readonly #addEvent: (event: NewEvent) => void;
  #rows: readonly RouteTableRow[] = [];
  #leftOut: LimitedRouteTable['leftOut'] = new Map();

  constructor(addEvent: (event: NewEvent) => void) {
    this.#addEvent = addEvent;
  }

  /** Why the table has no entry of the app. */
  reasonLeftOut(appId: AppId): Reason | undefined {
    return this.#leftOut.get(appId);
  }

  rowsWithout(appId: AppId): readonly RouteTableRow[] {
    return this.#rows.filter(({ entry }) => entry.appId !== appId);
  }

  /** @returns the apps of the table. Each app that loses its entry gets an event. */
  select(rows: readonly RouteTableRow[], others: FixedParts): readonly FleetApp[] {
    const { apps, leftOut } = limitRouteTable(rows, TABLE_BYTES_MAX - fixedTableBytes(others));
    for (const { entry } of leftOut.size === 0 ? [] : rows) {
      const reason = leftOut.get(entry.appId);
      if (reason === undefined || this.#leftOut.has(entry.appId)) continue;
      this.#addEvent({
        kind: 'app.left-out',
        actor: 'controller',
        app: entry.app,
        message: reason.message,
        next: reason.hint,
      });
    }
    this.#rows = rows;
    this.#leftOut = leftOut;
    return apps;
  }
}
