import type { NewEvent } from '../../shared/domain/event.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Store } from './port.ts';

/** For events without a transaction of their own. The caller does not wait for the write, and does not fail with it. */
export function noteEvent(
  { store, log }: { readonly store: Pick<Store, 'addEvent'>; readonly log: Logger },
  event: NewEvent,
): void {
  store.addEvent(event).catch((error: unknown) => {
    log.error({ kind: event.kind, err: error }, 'event.lost');
  });
}
