import { join } from 'node:path';
import type { Assignment } from '../shared/domain/assignment.ts';
import type { AppId, Digest } from '../shared/domain/ids.ts';
import { syncDir } from '../shared/kit/atomic-file.ts';
import type { Clock } from '../shared/kit/clock.ts';
import { isErrno } from '../shared/kit/errors.ts';
import { run } from '../shared/kit/exec.ts';
import type { Failpoint } from '../shared/kit/failpoint.ts';
import type { Logger } from '../shared/kit/log.ts';
import type { AcceptedDocuments } from './accepted/documents.ts';
import type { NodeBuildRunner } from './build/runner.ts';
import type { Commands } from './one-off/commands.ts';
import type { Tasks } from './tasks/tasks.ts';
import type { AgentConfig } from './config.ts';
import { DestroyedApps } from './destroyed/destroyed-apps.ts';
import { commandsPlaces } from './destroyed/places/commands.ts';
import { buildsPlace } from './destroyed/places/builds.ts';
import { egressPlace } from './destroyed/places/egress.ts';
import { filesPlace } from './destroyed/places/files.ts';
import { imagesPlaces } from './destroyed/places/images.ts';
import { instancesPlace } from './destroyed/places/instances.ts';
import { logsPlace } from './destroyed/places/logs.ts';
import { mountsPlaces } from './destroyed/places/mounts.ts';
import { processesPlace } from './destroyed/places/processes.ts';
import { sandboxesPlace } from './destroyed/places/sandboxes.ts';
import { tasksPlace } from './destroyed/places/tasks.ts';
import type { Place } from './destroyed/port.ts';
import type { Egress } from './host/egress-file.ts';
import type { NodeImages } from './images/port.ts';
import { imageDirs } from './images/layout.ts';
import type { LogBook } from './logs/log-book.ts';
import type { Logs } from './logs/port.ts';
import type { ReconcileLoop } from './reconcile/loop.ts';
import { sandboxBase } from './sandbox/config.ts';
import type { Sandbox } from './sandbox/port.ts';
import { traceDirs } from './sandbox/record.ts';

interface Basics {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
}

interface Parts {
  readonly sandbox: Sandbox;
  readonly images: NodeImages;
  readonly builds: NodeBuildRunner;
  readonly logBook: LogBook;
  readonly logs: Logs;
  readonly egress: Egress;
  readonly documents: Pick<AcceptedDocuments, 'desiredState'>;
  readonly tasks: Tasks;
  readonly commands: Commands;
  readonly loop: () => ReconcileLoop;
  readonly acknowledge: (appIds: readonly AppId[]) => void;
  /** In [0, 1). */
  readonly random: () => number;
}

export function composeDestroyed(basics: Basics, parts: Parts): DestroyedApps {
  const { clock, failpoint, log, config } = basics;
  const { acknowledge, random } = parts;
  const sync = (): Promise<void> => syncAll(config.stateDir);
  return new DestroyedApps({ places: placesOf(basics, parts), sync, acknowledge, clock, random, failpoint, log });
}

/** Users of data are cleaned up before the data. Records that name the owner of data are cleaned up after it. */
function placesOf({ config, clock }: Basics, parts: Parts): readonly Place[] {
  const { sandbox, images, builds, logBook, logs, egress, documents, tasks, commands, loop } = parts;
  const { stateDir, network } = config;
  const assignments = (): readonly Assignment[] => documents.desiredState.current()?.assignments ?? [];
  const inUse = (): ReadonlySet<Digest> => {
    const layers = assignments().flatMap((one) => one.layers.map(({ digest }) => digest));
    return new Set([...layers, ...builds.layersInUse(), ...commands.layersInUse()]);
  };
  const known = (): ReadonlySet<string> => {
    const instances = [...loop().held(), ...assignments()].map(({ instanceId }) => instanceId);
    return new Set([...instances, ...logBook.instances(), ...tasks.running(), ...commands.held()]);
  };
  const roots = [stateDir, join('/run', `${network.name}-sandbox`)];
  // Without root, apps run as the user of the agent, and nothing has a user id of the app's range.
  const hasIds = config.sandbox !== 'process';
  return [
    instancesPlace({ held: () => loop().held(), writerOf: (id) => logBook.writer(id)?.appId }),
    tasksPlace(tasks),
    ...commandsPlaces(commands),
    sandboxesPlace({ sandbox, known }),
    ...(hasIds ? [processesPlace(network.name)] : []),
    buildsPlace(builds),
    egressPlace(egress),
    ...imagesPlaces({ images, inUse, reusable: () => builds.reusable(), clock }),
    ...(hasIds ? mountsPlaces({ roots, sandboxesOf: (appId) => logBook.instancesOf(appId), run }) : []),
    logsPlace({ logBook, logs, sandbox }),
    ...(hasIds ? [filesPlace({ stateDir, run })] : []),
  ];
}

/** After a power cut, a removed file can exist again unless its folder was synced. */
async function syncAll(stateDir: string): Promise<void> {
  const names = ['', 'instances', 'tasks', 'commands', 'build-cache', 'layers/keys', 'layers/tmp', 'platform-logs'];
  const dirs = [
    ...names.map((name) => join(stateDir, name)),
    ...imageDirs(stateDir),
    ...traceDirs(sandboxBase(stateDir)),
  ];
  for (const dir of dirs) {
    await syncDir(dir).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT')) throw error;
    });
  }
}
