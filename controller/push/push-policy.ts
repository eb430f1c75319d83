import { parseAppName } from '../../shared/domain/names.ts';
import { requireDiskSpace } from '../../shared/kit/disk.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Store } from '../store/port.ts';
import { PlannedApps } from './planned-apps.ts';
import type { GitUser, Push, PushApp, PushPolicy, PushOutcome, PushOutput } from './port.ts';

export interface PushPolicyDeps {
  readonly store: Store;
  /** First push of an authorised user creates the app. */
  readonly createOnPush: boolean;
  readonly defaultStack: string;
  readonly randomId: RandomId;
  /** Folders that a push writes to: repositories, images, database. */
  readonly folders: readonly string[];
  readonly awaitBuilder: PushPolicy['awaitBuilder'];
  readonly join: PushPolicy['join'];
  /** @throws SLIP_BUILD_NO_BUILDER */
  readonly requireBuilder: (app: { readonly id: string; readonly stack: string }) => void;
  readonly deploy: (push: Push, output: PushOutput, signal: AbortSignal) => Promise<PushOutcome>;
}

export function createPushPolicy(deps: PushPolicyDeps): PushPolicy {
  const plannedApps = new PlannedApps({ store: deps.store, stack: deps.defaultStack, randomId: deps.randomId });
  return {
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

async function openApp(
  deps: PushPolicyDeps & { readonly plannedApps: PlannedApps },
  user: GitUser,
  wanted: { name: string; access: 'read' | 'write' },
): Promise<PushApp> {
  const name = parseAppName(wanted.name);
  const app = await deps.store.appByName(name);
  const actor = await deps.store.userById(user.userId);
  if (app !== undefined && actor !== undefined && (app.ownerId === actor.id || actor.admin))
    return { appId: app.id, name: app.name };
  if (app === undefined && wanted.access === 'write' && deps.createOnPush) return deps.plannedApps.plan(user, name);
  throw notFound(name);
}

/** One sentence for "no such app" and "somebody else's app": a name must not tell whether it is taken. */
function notFound(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_NOT_FOUND',
    message: `There is no app "${name}" that you may use.`,
    hint: 'See your apps with: slipway apps — or push to a name of your own.',
    httpStatus: 404,
  });
}
