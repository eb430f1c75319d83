import type { NewEvent } from '../../shared/domain/event.ts';
import type { FleetApp, FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import { fixedTableBytes, TABLE_BYTES_MAX } from '../../shared/domain/fleet-routes-size.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { fitTable, type FittingTable, type TableLine } from './fit-table.ts';

/** The lines of all apps, and which of them the route table has room for. */
export class TableRoom {
  readonly #note: (event: NewEvent) => void;
  #lines: readonly TableLine[] = [];
  #leftOut: FittingTable['leftOut'] = new Map();

  constructor(note: (event: NewEvent) => void) {
    this.#note = note;
  }

  /** Why an app is not in the table. */
  reasonOf(appId: AppId): Reason | undefined {
    return this.#leftOut.get(appId);
  }

  /** All lines but that of the app. */
  without(appId: AppId): readonly TableLine[] {
    return this.#lines.filter(({ entry }) => entry.appId !== appId);
  }

  /** The apps of the table. An event says which app has lost its line. */
  fit(lines: readonly TableLine[], others: Pick<FleetRoutes, 'peers' | 'refused'>): readonly FleetApp[] {
    const { apps, leftOut } = fitTable(lines, TABLE_BYTES_MAX - fixedTableBytes(others));
    for (const { entry } of leftOut.size === 0 ? [] : lines) {
      const reason = leftOut.get(entry.appId);
      if (reason === undefined || this.#leftOut.has(entry.appId)) continue;
      this.#note({
        kind: 'app.left-out',
        actor: 'controller',
        app: entry.app,
        message: reason.message,
        next: reason.hint,
      });
    }
    this.#lines = lines;
    this.#leftOut = leftOut;
    return apps;
  }
}
