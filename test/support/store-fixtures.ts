import type { AssignmentRow } from '../../controller/domain/assignments.ts';
import type { NewRelease } from '../../controller/domain/releases.ts';
import type { Store } from '../../controller/store/port.ts';
import type { App } from '../../controller/domain/apps.ts';
import type { User } from '../../controller/domain/users.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import { Keyring, parseKeyFile } from '../../controller/secrets/keyring.ts';
import { openStore } from '../../controller/store/open-store.ts';
import { DEFAULT_LIMITS, type DesiredInstanceState } from '../../shared/domain/assignment.ts';
import type { AppId, Digest, InstanceId, NodeId, UserId } from '../../shared/domain/ids.ts';
import { parseAppName, parseNodeName, parseProcessType, parseUserName } from '../../shared/domain/names.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import { systemClock, type Clock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { sealAll } from '../../shared/kit/sensitive.ts';

/** The same key in every process, so that a database can be opened again. */
export const TEST_KEYRING = new Keyring(parseKeyFile(Buffer.alloc(32, 7).toString('base64'), 'test'));

/** A real store in memory: fast, gone when closed. */
export function openMemoryStore(clock: Clock = systemClock): Promise<Store> {
  return openStore({ path: ':memory:', clock, randomId, keyring: TEST_KEYRING });
}

export function digestOf(letter: string): Digest {
  return `sha256:${letter.repeat(64)}` as Digest;
}

export function slugOf(...letters: readonly string[]): Slug {
  return {
    layers: letters.map((letter, index) => ({
      name: `layer${index}`,
      digest: digestOf(letter),
      sizeBytes: 100 + index,
      shared: index === 0,
    })),
    processTypes: { web: 'node server.js', worker: 'node worker.js' },
    stack: 'host',
    platform: 'debian-12-x64',
    commit: 'c'.repeat(40),
    buildpacks: ['Node.js'],
    defaultConfig: { NODE_ENV: 'production' },
  };
}

export function newRelease(app: App, change: Partial<NewRelease> = {}): NewRelease {
  return {
    appId: app.id,
    cause: 'deploy',
    slug: slugOf('a', 'b'),
    config: sealAll({ SECRET: 's3cret' }),
    userId: app.ownerId,
    description: 'Deploy ccccccc',
    ...change,
  };
}

export async function addUser(store: Store, name = 'ada', admin = false): Promise<User> {
  return await store.createUser({ name: parseUserName(name), admin });
}

export async function addApp(store: Store, owner: UserId, name = 'hello'): Promise<App> {
  return await store.createApp({ name: parseAppName(name), ownerId: owner, stack: 'host' });
}

/** Joins a node the way the API does: a token, redeemed once. */
export async function addNode(store: Store, name = 'node-one', serial = randomId()): Promise<NodeRow> {
  const secretHash = `hash-${randomId()}`;
  await store.addJoinToken({ secretHash, labels: {}, expiresAtMs: 1000 });
  return await store.redeemJoinToken(secretHash, 500, { name: parseNodeName(name), certificateSerial: serial });
}

export function assignment(fields: {
  nodeId: NodeId;
  appId: AppId;
  release: number;
  ordinal?: number;
  desired?: DesiredInstanceState;
}): AssignmentRow {
  return {
    instanceId: randomId() as InstanceId,
    processType: parseProcessType('web'),
    ordinal: 1,
    limits: DEFAULT_LIMITS,
    desired: 'run',
    createdAtMs: 1,
    ...fields,
  };
}

export const noChange = { add: [], setDesired: [], remove: [] } as const;
