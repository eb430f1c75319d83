import type { Logger } from '../../shared/kit/log.ts';
import { noteEvent } from '../store/note-event.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';

/** The user who asks. Stored with the event. */
export interface Asker {
  readonly name: string;
}

/** The instances of a release that should serve: neither standby nor stopping. */
export async function runningRows(
  store: Pick<Store, 'assignmentsOfApp'>,
  app: App,
  current: Release,
): Promise<readonly AssignmentRow[]> {
  const rows = await store.assignmentsOfApp(app.id);
  return rows.filter((row) => row.release === current.version && row.desired === 'run');
}

export function noteFormation(
  deps: { readonly store: Pick<Store, 'addEvent'>; readonly log: Logger },
  change: { readonly app: App; readonly by: Asker },
  what: { readonly kind: string; readonly message: string },
): void {
  noteEvent(deps, { ...what, app: change.app.name, actor: change.by.name, next: `slipway ps -a ${change.app.name}` });
}
