import { parseAppName, type AppName } from '../../shared/domain/names.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { requireDiskSpace } from '../../shared/kit/disk.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { appRenamed } from '../access/app-renamed.ts';
import { OpenAccesses } from '../access/open-accesses.ts';
import { actorOfUser, may, type Action } from '../access/policy.ts';
import type { Store } from '../store/port.ts';
import { PlannedApps } from './planned-apps.ts';
import type { GitUser, Push, PushApp, PushPolicy, PushOutcome, PushOutput } from './port.ts';

export interface PushPolicyDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** The first push of a user to a new name creates the app. */
  readonly createOnPush: boolean;
  readonly defaultStack: string;
  readonly randomId: RandomId;
  /** Folders that a push writes to: repositories, images, database. */
  readonly folders: readonly string[];
  readonly awaitBuilder: PushPolicy['awaitBuilder'];
  readonly join: PushPolicy['join'];
  /** @throws SLIP_BUILD_NO_BUILDER */
  readonly requireBuilder: (app: { readonly id: string; readonly stack: string }) => void;
  /** Git address of an app, for a client with a former name. */
  readonly gitUrl: (app: AppName) => string;
  readonly deploy: (push: Push, output: PushOutput, signal: AbortSignal) => Promise<PushOutcome>;
}

/** What git over SSH does, in the words of the access policy. */
export const GIT_ACTIONS = {
  fetch: 'app.read',
  push: 'app.write',
  firstPush: 'app.create',
} as const satisfies Readonly<Record<string, Action>>;

export function createPushPolicy(deps: PushPolicyDeps): PushPolicy {
  const plannedApps = new PlannedApps({ store: deps.store, stack: deps.defaultStack, randomId: deps.randomId });
  const accesses = new OpenAccesses(deps);
  return {
    untilKeyRemoved: (user, fingerprint, closed) => accesses.watch(() => requireKey(deps, user, fingerprint), closed),
    userByFingerprint: async (fingerprint) => {
      const user = await deps.store.userByFingerprint(fingerprint);
      if (user === undefined) return undefined;
      return { userId: user.id, name: user.name, maxConnections: await deps.store.quotaOf(user.id, 'connections') };
    },
    awaitBuilder: deps.awaitBuilder,
    join: deps.join,
    openApp: (user, name, access) => openApp({ ...deps, plannedApps }, user, { name, access }),
    acceptApp: (user, app) => (app.isNew === true ? plannedApps.accept(user, app) : Promise.resolve()),
    closeApp: (user, app) => (app.isNew === true ? plannedApps.close(user, app) : Promise.resolve(false)),
    hasApp: async (appId) => (await deps.store.appById(appId)) !== undefined,
    beforeReceive: async (app, user) => {
      await Promise.all(deps.folders.map((folder) => requireDiskSpace(folder)));
      const row = await deps.store.appById(app.appId);
      deps.requireBuilder(row ?? { id: '', stack: deps.defaultStack });
      const owner = row === undefined ? undefined : await deps.store.userById(row.ownerId);
      const repositoryMegabytes = await deps.store.quotaOf(owner?.id ?? user.userId, 'repositoryMegabytes');
      return { repositoryMegabytes, owner: owner?.name ?? user.name };
    },
    deploy: deps.deploy,
  };
}

async function requireKey({ store }: PushPolicyDeps, user: GitUser, fingerprint: string): Promise<void> {
  if ((await store.userByFingerprint(fingerprint))?.id === user.userId) return;
  throw new SlipwayError({
    code: 'SLIP_KEY_REMOVED',
    httpStatus: 401,
    message: 'The SSH key of this connection was removed, so the connection ends.',
    hint: 'See your keys with: slipway keys',
  });
}

async function openApp(
  deps: PushPolicyDeps & { readonly plannedApps: PlannedApps },
  user: GitUser,
  wanted: { name: string; access: 'read' | 'write' },
): Promise<PushApp> {
  const name = parseAppName(wanted.name);
  const app = await deps.store.appByName(name);
  const actor = actorOfUser(await deps.store.userById(user.userId));
  const writes = wanted.access === 'write';
  if (app !== undefined) {
    const action = writes ? GIT_ACTIONS.push : GIT_ACTIONS.fetch;
    if (!may(actor, action, { kind: 'app', ownerId: app.ownerId })) throw notFound(name);
    return { appId: app.id, name: app.name };
  }
  const renamed = await deps.store.appByFormerName(name);
  if (renamed !== undefined) {
    if (!may(actor, GIT_ACTIONS.fetch, { kind: 'app', ownerId: renamed.ownerId })) throw notFound(name);
    throw appRenamed(name, renamed.name, `git remote set-url slipway ${deps.gitUrl(renamed.name)}`);
  }
  const mayCreate = writes && deps.createOnPush && may(actor, GIT_ACTIONS.firstPush, { kind: 'fleet' });
  if (!mayCreate) throw notFound(name);
  return deps.plannedApps.plan(user, name);
}

/** The same error for an app that does not exist and for an app of another user, so that nobody learns which names are taken. */
function notFound(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_NOT_FOUND',
    message: `There is no app "${name}" that you may use.`,
    hint: 'See your apps with: slipway apps — or push to another name.',
    httpStatus: 404,
  });
}
