import { parseAppName } from '../../shared/domain/names.ts';
import { requireDiskSpace } from '../../shared/kit/disk.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { App, Store } from '../store/port.ts';
import type { GitUser, Push, PushApp, PushGate, PushOutcome, PushOutput } from './port.ts';

export interface PushGateDeps {
  readonly store: Store;
  /** First push of an authorised user creates the app. */
  readonly createOnPush: boolean;
  readonly defaultStack: string;
  /** Folders that a push writes to: repositories, images, database. */
  readonly folders: readonly string[];
  readonly awaitBuilder: PushGate['awaitBuilder'];
  /** @throws SLIP_BUILD_NO_BUILDER */
  readonly requireBuilder: (app: { readonly id: string; readonly stack: string }) => void;
  readonly deploy: (push: Push, output: PushOutput, signal: AbortSignal) => Promise<PushOutcome>;
}

export function createPushGate(deps: PushGateDeps): PushGate {
  return {
    userByFingerprint: async (fingerprint) => {
      const user = await deps.store.userByFingerprint(fingerprint);
      if (user === undefined) return undefined;
      return { userId: user.id, name: user.name, maxConnections: await deps.store.quotaOf(user.id, 'connections') };
    },
    awaitBuilder: deps.awaitBuilder,
    openApp: (user, name, access) => openApp(deps, user, { name, access }),
    beforeReceive: async (app) => {
      await Promise.all(deps.folders.map((folder) => requireDiskSpace(folder)));
      const row = await deps.store.appById(app.appId);
      if (row !== undefined) deps.requireBuilder(row);
    },
    deploy: deps.deploy,
  };
}

async function openApp(deps: PushGateDeps, user: GitUser, wanted: { name: string; access: 'read' | 'write' }): Promise<PushApp> {
  const name = parseAppName(wanted.name);
  const app = await deps.store.appByName(name);
  const actor = await deps.store.userById(user.userId);
  if (app !== undefined && actor !== undefined && (app.ownerId === actor.id || actor.admin)) return { appId: app.id, name: app.name };
  if (app === undefined && wanted.access === 'write' && deps.createOnPush) return create(deps, user, name);
  throw notFound(name);
}

async function create(deps: PushGateDeps, user: GitUser, name: App['name']): Promise<PushApp> {
  await Promise.all(deps.folders.map((folder) => requireDiskSpace(folder)));
  // A push that cannot be built leaves no empty app behind.
  deps.requireBuilder({ id: '', stack: deps.defaultStack });
  const app = await deps.store.createApp({ name, ownerId: user.userId, stack: deps.defaultStack });
  return { appId: app.id, name: app.name };
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
