import { randomId } from '../shared/kit/random-id.ts';
import { VERSION } from '../shared/kit/version.ts';
import { createApi, type Api } from './api/create-api.ts';
import { NodeConnections } from './api/node-connections.ts';
import { awaitBuilder, BUILDER_RETURN_MS } from './build/await-builder.ts';
import type { Parts } from './compose.ts';
import { gitUrl, webUrl } from './config.ts';
import { controllerPaths, PRODUCT_DIR, type Basics } from './foundations.ts';
import { OpenAttachments } from './observe/open-attachments.ts';
import type { PushPolicy } from './push/port.ts';
import { createPushPolicy } from './push/push-policy.ts';
import { DEFAULT_ROLLOUT_POLICY } from './release/rollout-plan.ts';
import { createGitServer, type GitServer } from './push/server.ts';

export function composeGitServer(basics: Basics, parts: Parts): GitServer {
  const { config, clock, log, failpoint } = basics;
  const paths = controllerPaths(config.stateDir);
  const builders = parts.builderPool;
  const builderUntilMs = clock.monotonicMs() + BUILDER_RETURN_MS;
  const policy: PushPolicy = createPushPolicy({
    store: parts.store,
    clock,
    createOnPush: config.createOnPush,
    defaultStack: config.defaultStack,
    randomId,
    folders: [paths.repos, paths.images, config.stateDir],
    awaitBuilder: (io) => awaitBuilder({ builders, fleet: parts.dispatch.fleet, clock, untilMs: builderUntilMs }, io),
    join: (appId, closed) => parts.lifetimes.join(appId, closed),
    requireBuilder: (app) => void builders.choose(app),
    gitUrl: (app) => gitUrl(config, server.address?.port ?? config.ssh.port, app),
    deploy: (push, output, signal) => parts.deploys.deploy(push, output, signal),
  });
  const server: GitServer = createGitServer(
    { ...config.ssh, stateDir: config.stateDir, reposDir: paths.repos },
    { policy, clock, log, failpoint },
  );
  return server;
}

export function composeApi(
  basics: Basics,
  parts: Parts & Pick<GitServer, 'archives'>,
  ports: { readonly ssh: number; readonly agents: number },
): Api {
  const { config, clock, log, failpoint } = basics;
  const { bakeMs = DEFAULT_ROLLOUT_POLICY.bakeMs } = config.rollout;
  const { store, authority, images, dispatch, builds, buildLogs, releases, formations, oneOffs, checkChanges } = parts;
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
      checksAnswers: config.checksAnswers,
      webUrl: (app) => webUrl(config, app),
      gitUrl: (app) => gitUrl(config, ports.ssh, app),
    },
    {
      store,
      fleet: dispatch.fleet,
      images,
      unusedImages: parts.unusedImages,
      taskSources: builds,
      builderPool: parts.builderPool,
      authority,
      configKeys: parts.configKeys,
      programs: parts.programs,
      upgrades: parts.upgrades,
      endSessions: (node, message) => dispatch.endSessions(node, message),
      connections: new NodeConnections(),
      movement: parts.movement,
      attachments: new OpenAttachments({ store, fleet: dispatch.fleet, clock, log, bakeMs }),
      mayReadImage: (node, digest) => dispatch.mayReadImage(node, digest),
      mayWriteImage: (node, digest) => dispatch.mayWriteImage(node, digest),
      releases,
      checkChanges,
      runChecks: (node, instanceIds, run) => dispatch.runChecks(node, instanceIds, run),
      promotions: parts.promotions,
      rollbacks: parts.rollbacks,
      history: parts.history,
      archives: parts.archives,
      formations,
      ...{ oneOffs, cronRuns: parts.cronRuns },
      destroys: parts.destroys,
      ...domainParts(parts),
      aborts: parts.aborts,
      builds,
      buildLog: (id, follow, signal) => buildLogs.read(id, follow, signal),
      clock,
      failpoint,
      log,
    },
  );
}

/** What the routes of domains and their certificates need. */
function domainParts({
  automaticCertificates,
  domainOwnership,
  dnsProviders,
}: Parts): Pick<Parts, 'automaticCertificates' | 'domainOwnership' | 'dnsProviders'> {
  return { automaticCertificates, domainOwnership, dnsProviders };
}
