import type { NewEvent } from '../../shared/domain/event.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Store } from './port.ts';

/** For events that no transaction of their own makes true: written beside the work, which never waits for it or fails with it. */
export function noteEvent(
  { store, log }: { readonly store: Pick<Store, 'addEvent'>; readonly log: Logger },
  event: NewEvent,
): void {
  store.addEvent(event).catch((error: unknown) => {
    log.error({ kind: event.kind, err: error }, 'event.lost');
  });
}
