import { join } from 'node:path';
import type { MachineFacts } from '../shared/domain/node-facts.ts';
import type { Clock } from '../shared/kit/clock.ts';
import { run } from '../shared/kit/exec.ts';
import type { Failpoint } from '../shared/kit/failpoint.ts';
import type { Logger } from '../shared/kit/log.ts';
import { randomId } from '../shared/kit/random-id.ts';
import { openDocuments, type AcceptedDocuments } from './accepted/documents.ts';
import { DEFAULT_CACHE_LIMIT, DEFAULT_SOURCE_LIMIT_BYTES, pickBuildEnv } from './build/config.ts';
import { createLayerBuilder } from './build/layers/layer-builder.ts';
import { createBuildRunner, type NodeBuildRunner } from './build/runner.ts';
import { composeLogs } from './compose-logs.ts';
import { composeProxy } from './compose-proxy.ts';
import type { AgentConfig } from './config.ts';
import { composeUnits, hasSystemd } from './host/compose-units.ts';
import { Egress } from './host/egress-file.ts';
import { osRelease } from './host/facts.ts';
import type { UnitFiles } from './host/unit-files.ts';
import { createImages } from './images/images.ts';
import type { NodeImages } from './images/port.ts';
import { LogBook } from './logs/log-book.ts';
import type { Logs } from './logs/port.ts';
import { UnreadableCount } from './logs/unreadable-count.ts';
import type { Proxy } from './proxy/port.ts';
import { NO_APP_MARK, unreadableCause } from './proxy/unreadable-request.ts';
import { createSandbox, type RemovableSandbox } from './sandbox/create.ts';
import { createImageTransport, type ControllerTransport } from './session/image-transport.ts';
import { notJoined, readIdentity, type NodeIdentity } from './session/node-files.ts';

/** The folder of this program. */
export const PRODUCT_DIR = join(import.meta.dirname, '..');

export interface Basics {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One renewal of the node's certificate, from the request to the file. */
  readonly renewCertificate: () => Promise<void>;
  /** Reads the static facts of this machine in a child process. */
  readonly readMachine: (signal: AbortSignal) => Promise<MachineFacts>;
}

export interface Drivers {
  readonly identity: NodeIdentity;
  readonly sandbox: RemovableSandbox;
  readonly images: NodeImages;
  readonly transport: ControllerTransport;
  readonly proxy: Proxy;
  readonly logs: Logs;
  readonly logBook: LogBook;
  readonly unreadable: UnreadableCount;
  readonly builds: NodeBuildRunner;
  readonly documents: AcceptedDocuments;
  readonly units: UnitFiles;
  readonly egress: Egress;
}

/** The parts that hold resources of the machine: sandboxes, images, proxy, logs, builds. */
export async function composeDrivers(basics: Basics): Promise<Drivers> {
  const { config, clock, log } = basics;
  const identity = await readIdentity(config.stateDir);
  if (identity === undefined) throw notJoined();
  const { network, stateDir } = config;
  const meshPort = config.mesh === false ? undefined : config.mesh.port;
  const sandboxConfig = { ...network, stateDir, meshPort, poolSize: 2, supervisor: 'auto' as const };
  const sandbox = await createSandbox(config.sandbox, sandboxConfig, { run, clock, log, randomId });
  const transport = createImageTransport({ apiUrl: identity.apiUrl, stateDir });
  const mode = config.sandbox === 'process' ? 'extract' : 'mount';
  const images = createImages(
    { stateDir, mode, budgetBytes: config.imageBudgetBytes },
    { transport, run, clock, log, failpoint: basics.failpoint },
  );
  const proxy = composeProxy(basics, hasSystemd());
  const documents = openDocuments(stateDir, { clock, log });
  const logBook = new LogBook(join(stateDir, 'log-book.json'), (id) => sandbox.logDir(id));
  await logBook.load();
  const logs = composeLogs(basics, { sandbox, proxy, logBook });
  const unreadable = new UnreadableCount({
    dir: proxy.logDir(),
    mark: NO_APP_MARK,
    causeOf: unreadableCause,
    clock,
    log,
  });
  const builds = await composeBuilds(basics, { sandbox, images, transport, documents });
  const units = await composeUnits(basics, PRODUCT_DIR);
  const egress = new Egress({ stateDir, sandbox, clock, log });
  return {
    identity,
    sandbox,
    images,
    transport,
    proxy,
    logs,
    logBook,
    unreadable,
    builds,
    documents,
    units,
    egress,
  };
}

async function composeBuilds(
  basics: Basics,
  from: Pick<Drivers, 'sandbox' | 'images' | 'transport' | 'documents'>,
): Promise<NodeBuildRunner> {
  const { config, clock, log, env } = basics;
  const { sandbox, images, transport, documents } = from;
  return createBuildRunner(
    {
      tasksDir: join(config.stateDir, 'tasks'),
      cacheDir: join(config.stateDir, 'build-cache'),
      buildpacksDir: join(PRODUCT_DIR, 'buildpacks'),
      insideDir: join(PRODUCT_DIR, 'agent', 'build', 'inside'),
      toolchainDir: config.toolchainDir,
      platform: `${await osRelease()}-${process.arch}`,
      buildEnv: { ...pickBuildEnv(env), ...config.buildEnv },
      sourceLimitBytes: DEFAULT_SOURCE_LIMIT_BYTES,
      cacheLimit: DEFAULT_CACHE_LIMIT,
      canMount: config.sandbox !== 'process',
    },
    {
      sandbox,
      layers: createLayerBuilder({ stateDir: config.stateDir }, { images, run }),
      images,
      transport,
      runsHere: (appId) => documents.desiredState.current()?.assignments.some((one) => one.appId === appId) === true,
      clock,
      random: Math.random,
      run,
      log,
    },
  );
}
