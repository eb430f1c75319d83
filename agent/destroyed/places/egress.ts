import type { Egress } from '../../host/egress-file.ts';
import { byApp } from '../by-app.ts';
import type { Place } from '../port.ts';

/** Private networks that are open for the app's user ids. The next app with these ids must not reach them. */
export function egressPlace(egress: Pick<Egress, 'opensFor' | 'closeFor'>): Place {
  return {
    name: 'opened networks of user id',
    means: 'remove',
    look: async (apps) =>
      byApp(apps, ({ uidBase }) => (uidBase !== 0 && egress.opensFor(uidBase) ? [String(uidBase)] : [])),
    end: ({ uidBase }) => egress.closeFor(uidBase),
  };
}
