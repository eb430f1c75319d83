import { DestroyedApps, type DestroyedAppsDeps } from '../../../agent/destroyed/destroyed-apps.ts';
import { instancesPlace } from '../../../agent/destroyed/places/instances.ts';
import { logsPlace } from '../../../agent/destroyed/places/logs.ts';
import { sandboxesPlace } from '../../../agent/destroyed/places/sandboxes.ts';
import type { LogBook } from '../../../agent/logs/log-book.ts';
import type { HeldInstance } from '../../../agent/reconcile/loop.ts';
import type { Sandbox } from '../../../agent/sandbox/port.ts';
import type { AppId, InstanceId } from '../../../shared/domain/ids.ts';
import { LOGS } from './machine-parts.ts';

interface CleanUpDeps extends Pick<DestroyedAppsDeps, 'acknowledge' | 'clock' | 'random' | 'failpoint' | 'log'> {
  readonly sandbox: Sandbox;
  readonly logBook: LogBook;
  /** The instances of the reconcile loop. */
  readonly held: () => readonly HeldInstance[];
  /** The desired state of this node. */
  readonly assigned: () => readonly { readonly instanceId: InstanceId }[];
}

/** The real clean-up of destroyed apps, with the places of a simulated node. */
export function createDestroyed({ sandbox, logBook, held, assigned, ...deps }: CleanUpDeps): DestroyedApps {
  const known = (): ReadonlySet<string> => {
    const instances = [...held(), ...assigned()].map(({ instanceId }) => instanceId);
    return new Set([...instances, ...logBook.instances()]);
  };
  const bookWithoutFile = {
    instancesOf: (appId: AppId) => logBook.instancesOf(appId),
    drop: async (ids: readonly string[]) => void logBook.drop(ids).catch(() => undefined), // its file cannot be written
  };
  return new DestroyedApps({
    ...deps,
    places: [
      instancesPlace({ held, writerOf: (id) => logBook.writer(id)?.appId }),
      sandboxesPlace({ sandbox, known }),
      logsPlace({ logBook: bookWithoutFile, logs: LOGS, sandbox }),
    ],
    sync: () => Promise.resolve(),
  });
}
