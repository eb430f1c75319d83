import type { LogBook } from '../../logs/log-book.ts';
import type { Logs } from '../../logs/port.ts';
import type { Sandbox } from '../../sandbox/port.ts';
import { byAppInTurn } from '../by-app.ts';
import type { Place } from '../port.ts';

/** Kept logs of ended instances, and lines of the platform. The log book is cleaned up last, because only it names the app of a log. */
export function logsPlace(deps: {
  readonly logBook: Pick<LogBook, 'instancesOf' | 'drop'>;
  readonly logs: Pick<Logs, 'hasLines' | 'removeLines'>;
  readonly sandbox: Pick<Sandbox, 'forget'>;
}): Place {
  const { logBook, logs, sandbox } = deps;
  return {
    name: 'log',
    means: 'remove',
    look: (apps) =>
      byAppInTurn(apps, async ({ appId }) => [
        ...logBook.instancesOf(appId),
        ...((await logs.hasLines(appId)) ? [appId] : []),
      ]),
    end: async ({ appId }) => {
      const instances = logBook.instancesOf(appId);
      for (const id of instances) await sandbox.forget(id);
      await logs.removeLines(appId);
      await logBook.drop(instances);
    },
  };
}
