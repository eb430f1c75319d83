import { join } from 'node:path';
import type { Epoch } from '../shared/domain/assignment.ts';
import type { Reason } from '../shared/domain/instance.ts';
import type { Clock } from '../shared/kit/clock.ts';
import { run } from '../shared/kit/exec.ts';
import type { Failpoint } from '../shared/kit/failpoint.ts';
import { KeyedQueue } from '../shared/kit/keyed-queue.ts';
import type { Logger } from '../shared/kit/log.ts';
import { randomId } from '../shared/kit/random-id.ts';
import { VERSION } from '../shared/kit/version.ts';
import type { Authority } from './access/ca/authority.ts';
import { openCa } from './access/ca/open-ca.ts';
import { createApi, type Api } from './api/create-api.ts';
import { NodeConnections } from './api/node-connections.ts';
import { awaitBuilder, BUILDER_RETURN_MS } from './build/await-builder.ts';
import { BuilderPool } from './build/builder-pool.ts';
import { BuildLogs } from './build/build-log.ts';
import { createImageStore } from './build/image-store.ts';
import type { ImageStore } from './build/port.ts';
import { Builds, DEFAULT_BUILD_POLICY } from './build/run-build.ts';
import { UnusedImages } from './build/unused-images.ts';
import type { ControllerConfig } from './config.ts';
import { createDispatch, type Dispatch } from './dispatch/create-dispatch.ts';
import { renewServerCertificate } from './dispatch/renew-server-certificate.ts';
import { createPrograms, type Programs } from './install/programs.ts';
import { Upgrades } from './install/upgrades.ts';
import { FleetObserver } from './observe/instance-events.ts';
import { createNodeEventSink } from './observe/node-events.ts';
import { createPushPolicy } from './push/push-policy.ts';
import { commitInfo, moveRef, readRef, removeRepository, repositoryPath } from './push/git/repository.ts';
import { findTree } from './push/git/source.ts';
import { createGitServer, type GitServer } from './push/server.ts';
import { createMovement } from './movement/create-movement.ts';
import { AppEnds } from './release/app-ends.ts';
import { Bakes } from './release/bake.ts';
import { Deploys } from './release/deploy.ts';
import { Destroys } from './release/destroys.ts';
import { Formations } from './formation/formations.ts';
import { HistoryCleaner } from './release/history-cleaner.ts';
import { Restarts } from './formation/restarts.ts';
import { startReaper } from './assignments/reaper.ts';
import { newInstanceId } from './assignments/instance-id.ts';
import { Releases } from './release/releases.ts';
import { DEFAULT_ROLLOUT_POLICY } from './release/rollout-plan.ts';
import { Rollouts } from './release/rollout.ts';
import { openStore } from './store/open-store.ts';
import type { App } from './domain/apps.ts';
import type { Store } from './store/port.ts';

const PRODUCT_DIR = join(import.meta.dirname, '..');

/** What main.ts gives to everything else. */
export interface Basics {
  readonly config: ControllerConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  /** Of this process, for programs of the product's own that it starts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the controller is told to stop. */
  readonly signal: AbortSignal;
}

export interface Foundations {
  readonly store: Store;
  readonly authority: Authority;
  readonly images: ImageStore;
}

export interface Paths {
  readonly database: string;
  readonly repos: string;
  readonly images: string;
  readonly builds: string;
  readonly ca: string;
}

export function controllerPaths(stateDir: string): Paths {
  return {
    database: join(stateDir, 'slipway.db'),
    repos: join(stateDir, 'repos'),
    images: join(stateDir, 'images'),
    builds: join(stateDir, 'builds'),
    ca: join(stateDir, 'ca'),
  };
}

/** Opens what is on disk: truth, trust, images. */
export async function openFoundations(config: ControllerConfig, clock: Clock): Promise<Foundations> {
  const paths = controllerPaths(config.stateDir);
  const store = await openStore({ path: paths.database, clock, randomId, quotas: config.quotas });
  const fresh = (await store.users()).length === 0 && (await store.nodes()).length === 0;
  const serverNames = [...new Set([config.publicHost, 'localhost', '127.0.0.1', ...config.extraNames])];
  const authority = await openCa({ dir: paths.ca, mayCreate: fresh, serverNames, clock });
  const images = createImageStore({ dir: paths.images });
  await images.sweep();
  return { store, authority, images };
}

export interface Parts extends Foundations {
  readonly dispatch: Dispatch;
  readonly builderPool: BuilderPool;
  readonly builds: Builds;
  readonly buildLogs: BuildLogs;
  readonly releases: Releases;
  readonly formations: Formations;
  readonly deploys: Deploys;
  readonly destroys: Destroys;
  readonly ends: AppEnds;
  readonly movement: ReturnType<typeof createMovement>;
  readonly programs: Programs;
  readonly upgrades: Upgrades;
}

/** Builds every part of the pipeline and hands each what it needs; nothing listens yet. */
export async function composePipeline(basics: Basics, foundations: Foundations): Promise<Parts> {
  const { config, clock, log, failpoint, signal } = basics;
  const { store } = foundations;
  const paths = controllerPaths(config.stateDir);
  const hearing: { upgrades?: Upgrades } = {};
  const dispatch = await composeDispatch(basics, foundations, (node, reason) => hearing.upgrades?.heard(node, reason));
  const programs = composePrograms(basics);
  const upgrades = new Upgrades({
    fleet: dispatch.fleet,
    programs,
    store,
    send: (node, version) => dispatch.upgrade(node, version),
    clock,
    log,
    signal,
  });
  hearing.upgrades = upgrades;
  const ends = new AppEnds();
  const queue = new KeyedQueue((appId) => ends.check(appId));
  const policy = { ...DEFAULT_ROLLOUT_POLICY, ...defined(config.rollout) };
  const refMover = (app: App, ref: string, commit: string): Promise<void> => setRef(paths.repos, app, { ref, commit });
  const rollouts = new Rollouts({
    store,
    fleet: dispatch.fleet,
    clock,
    log,
    failpoint,
    policy,
    moveRef: refMover,
    newInstanceId,
    queue,
  });
  const bakes = new Bakes({
    store,
    fleet: dispatch.fleet,
    rollouts,
    queue,
    clock,
    log,
    newInstanceId,
    bakeMs: policy.bakeMs,
  });
  const buildLogs = new BuildLogs(paths.builds);
  const unusedImages = new UnusedImages(foundations);
  const history = new HistoryCleaner({ store, logs: buildLogs, images: unusedImages, clock, log, failpoint, signal });
  const releases = new Releases({ store, rollouts, bakes, queue, ends, history, failpoint, log, signal });
  const restartDeps = { store, fleet: dispatch.fleet, clock, log, policy, newInstanceId, signal };
  const formations = new Formations({ ...restartDeps, restarts: new Restarts(restartDeps), queue });
  const limits = { ...DEFAULT_BUILD_POLICY, ...defined(config.build) };
  const builderPool = new BuilderPool({ store, builders: dispatch.builders }, await store.builderLabels());
  const builds = new Builds({
    store,
    builders: dispatch.builders,
    pool: builderPool,
    logs: buildLogs,
    failpoint,
    limits,
  });
  const deploys = new Deploys({
    ...{ store, builds, releases, queue, ends, unusedImages, history },
    clock,
    log,
    findSource: (push, root) => findTree(push.repositoryDir, push.newCommit, root),
    commitTimeMs: async (push) => push.commit?.timeMs ?? (await commitInfo(push.repositoryDir, push.newCommit)).timeMs,
    urlOf: (app) => webUrl(config, app.name),
  });
  const { lostAfterMs } = config;
  const { fleet } = dispatch;
  const destroys = new Destroys({
    ...{ store, fleet, ends, queue, clock, log, failpoint, signal },
    removeRepository: (appId) => removeRepository(paths.repos, appId),
    removeUnused: async () => {
      await buildLogs.removeUnknown((ids) => store.unknownBuilds(ids));
      await unusedImages.remove();
    },
  });
  const movement = createMovement({ store, fleet, queue, clock, log, failpoint, newInstanceId, lostAfterMs, signal });
  const parts = { dispatch, builderPool, builds, buildLogs, releases, formations, deploys, destroys, ends, movement };
  return { ...foundations, ...parts, programs, upgrades };
}

async function composeDispatch(
  basics: Basics,
  { store, authority }: Foundations,
  hear: (node: string, reason: Reason) => void,
): Promise<Dispatch> {
  const { config, clock, log } = basics;
  const credential = await authority.serverCredential();
  const epoch: Epoch = await store.newEpoch(randomId());
  const note = createNodeEventSink({ store, clock, log });
  return createDispatch(
    {
      epoch,
      baseDomain: config.baseDomain,
      tls: { key: credential.keyPem, certificate: credential.certificatePem, ca: authority.caPem },
      listenAddress: `${config.agents.host}:${String(config.agents.port)}`,
    },
    {
      store,
      clock,
      logger: log,
      randomId,
      onNodeEvent: (node, event) => {
        note(node, event);
        hear(node.name, event.reason);
      },
      observer: new FleetObserver({ store, clock, log }),
    },
  );
}

/** Puts a deploy ref where the database says, wherever it is now. */
async function setRef(
  reposDir: string,
  app: App,
  to: { readonly ref: string; readonly commit: string },
): Promise<void> {
  const repositoryDir = repositoryPath(reposDir, app.id);
  const from = (await readRef(repositoryDir, to.ref)) ?? '0'.repeat(40);
  if (from !== to.commit) await moveRef(repositoryDir, to.ref, { from, to: to.commit });
}

export function composeGitServer(basics: Basics, parts: Parts): GitServer {
  const { config, clock, log, failpoint } = basics;
  const paths = controllerPaths(config.stateDir);
  const builders = parts.builderPool;
  const builderUntilMs = clock.monotonicMs() + BUILDER_RETURN_MS;
  const policy = createPushPolicy({
    store: parts.store,
    createOnPush: config.createOnPush,
    defaultStack: config.defaultStack,
    randomId,
    folders: [paths.repos, paths.images, config.stateDir],
    awaitBuilder: (io) => awaitBuilder({ builders, fleet: parts.dispatch.fleet, clock, untilMs: builderUntilMs }, io),
    join: (appId, closed) => parts.ends.join(appId, closed),
    requireBuilder: (app) => void builders.choose(app),
    deploy: (push, output, signal) => parts.deploys.run(push, output, signal),
  });
  return createGitServer(
    { ...config.ssh, stateDir: config.stateDir, reposDir: paths.repos },
    { policy, clock, log, failpoint },
  );
}

export function composeApi(
  basics: Basics,
  parts: Parts,
  ports: { readonly ssh: number; readonly agents: number },
): Api {
  const { config, clock, log } = basics;
  const { store, authority, images, dispatch, builds, buildLogs, releases, formations } = parts;
  return createApi(
    {
      host: config.api.host,
      port: config.api.port,
      grpcAddress: `${config.publicHost}:${String(ports.agents)}`,
      version: VERSION,
      publicHost: config.publicHost,
      productDir: PRODUCT_DIR,
      defaultStack: config.defaultStack,
      baseDomain: config.baseDomain,
      webUrl: (app) => webUrl(config, app),
      gitUrl: (app) => `ssh://slipway@${config.publicHost}:${String(ports.ssh)}/${app}.git`,
    },
    {
      store,
      fleet: dispatch.fleet,
      images,
      taskSources: builds,
      builderPool: parts.builderPool,
      authority,
      programs: parts.programs,
      upgrades: parts.upgrades,
      endSessions: (node, words) => dispatch.endSessions(node, words),
      connections: new NodeConnections(),
      movement: parts.movement,
      mayReadImage: (node, digest) => dispatch.mayReadImage(node, digest),
      mayWriteImage: (node, digest) => dispatch.mayWriteImage(node, digest),
      releases,
      formations,
      destroys: parts.destroys,
      buildLog: (id, follow, signal) => buildLogs.read(id, follow, signal),
      clock,
      log,
    },
  );
}

function composePrograms({ config, log, env }: Basics): Programs {
  const dir = config.programsDir ?? join(config.stateDir, 'programs');
  return createPrograms({ productDir: PRODUCT_DIR, dir, env }, { run, log });
}

/** Background work that follows reports. Returns its end. */
export function startBackground(basics: Basics, parts: Parts): () => void {
  void renewServerCertificate(parts, basics, basics.signal);
  return startReaper({ store: parts.store, fleet: parts.dispatch.fleet, log: basics.log });
}

function webUrl(config: ControllerConfig, app: string): string {
  return `http://${app}.${config.baseDomain}${config.webPort === 80 ? '' : `:${String(config.webPort)}`}`;
}

/** Drops absent fields, so that they do not hide defaults. */
function defined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
