import { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { appRenamed } from '../access/app-renamed.ts';
import { formerCertificate } from '../access/former-certificate.ts';
import { actorOfUser, may, type Action, type Actor, type Resource } from '../access/policy.ts';
import { bearerToken, hashToken } from '../access/tokens.ts';
import { serialOf } from '../dispatch/certificate-serial.ts';
import type { App } from '../domain/apps.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { User } from '../domain/users.ts';
import { parseAppName, type AppName } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { appNotFound, forbidden, nodeCertificateRefused, tokenRevoked, unauthorised } from './api-errors.ts';
import type { ApiDeps, RouteAccess } from './deps.ts';
import type { Admission } from './route.ts';

type AuthDeps = Pick<ApiDeps, 'store' | 'clock'>;

const TOKEN_PARAMETERS = ['token', 'access_token', 'api_key', 'apikey'];

/** Authenticates and authorises a request before its body is read. @throws the refusal */
export async function admit(deps: AuthDeps, request: FastifyRequest, access: RouteAccess): Promise<Admission> {
  refuseTokenInQuery(request);
  const { user, node } = await identify(deps, request, access);
  const actor = actorOf(user, node);
  if (access.auth === 'admin' && actor.kind !== 'admin') throw forbidden();
  const app = isAboutApp(access.action) ? await findApp(deps, request) : undefined;
  if (isAboutApp(access.action) && app === undefined) throw await unknownApp(deps, request, actor);
  if (!may(actor, access.action, resourceOf(app, user))) throw app === undefined ? forbidden() : appNotFound();
  return { user, node, app };
}

/** Checks again what {@link admit} has decided, for a stream that is still open. The app may have another name now. @throws the refusal */
export async function admitAgain(
  deps: AuthDeps,
  { request, action }: { readonly request: FastifyRequest; readonly action: Action },
): Promise<void> {
  const user = await findUser(deps, request);
  if (user === undefined) throw tokenRevoked();
  const former = request.admission.app;
  const app = former === undefined ? undefined : await deps.store.appById(former.id);
  const isGone = former !== undefined && app === undefined;
  if (isGone || !may(actorOfUser(user), action, resourceOf(app, user))) throw appNotFound();
}

const ABOUT_APP: readonly Action[] = ['app.read', 'app.write', 'app.attach', 'app.egress.write', 'app.destroy'];

/** Actions whose resource is the app named in the URL. */
export function isAboutApp(action: Action): boolean {
  return ABOUT_APP.includes(action);
}

interface Identity {
  readonly user?: User | undefined;
  readonly node?: NodeRow | undefined;
}

async function identify(deps: AuthDeps, request: FastifyRequest, access: RouteAccess): Promise<Identity> {
  switch (access.auth) {
    case 'anonymous':
      return {};
    case 'node':
      return { node: await nodeOf(deps, request) };
    case 'user':
    case 'admin':
      return { user: await userOf(deps, request) };
  }
}

async function userOf(deps: AuthDeps, request: FastifyRequest): Promise<User> {
  const user = await findUser(deps, request);
  if (user === undefined) throw unauthorised();
  return user;
}

async function findUser({ store, clock }: AuthDeps, request: FastifyRequest): Promise<User | undefined> {
  const secret = bearerToken(request.headers.authorization);
  return secret === undefined ? undefined : await store.userByTokenHash(hashToken(secret), clock.nowMs());
}

/** The TLS handshake must have verified the certificate (CA, dates, purpose), and its serial must belong to a node of the fleet. */
async function nodeOf({ store }: AuthDeps, request: FastifyRequest): Promise<NodeRow> {
  const { socket } = request.raw;
  const serial = socket instanceof TLSSocket && socket.authorized ? serialOf(socket.getPeerCertificate()) : undefined;
  if (serial === undefined) throw nodeCertificateRefused();
  const node = await store.nodeBySerial(serial);
  if (node === undefined || node.state === 'removed')
    throw nodeCertificateRefused((await formerCertificate(store, serial))?.message);
  if (node.certificateSerial === serial) return node;
  await store.useCertificate(serial);
  return { ...node, certificateSerial: serial };
}

function actorOf(user: User | undefined, node: NodeRow | undefined): Actor {
  if (node !== undefined) return { kind: 'node', nodeId: node.id };
  return actorOfUser(user);
}

function resourceOf(app: App | undefined, user: User | undefined): Resource {
  if (app !== undefined) return { kind: 'app', ownerId: app.ownerId };
  // Account actions apply to the caller's own account. Other accounts need `user.manage`.
  return user === undefined ? { kind: 'fleet' } : { kind: 'account', userId: user.id };
}

async function findApp(deps: AuthDeps, request: FastifyRequest): Promise<App | undefined> {
  const name = nameIn(request);
  return name === undefined ? undefined : await deps.store.appByName(name);
}

/** Only a caller who may see the app learns its new name. */
async function unknownApp(deps: AuthDeps, request: FastifyRequest, actor: Actor): Promise<SlipwayError> {
  const name = nameIn(request);
  const renamed = name === undefined ? undefined : await deps.store.appByFormerName(name);
  if (name === undefined || renamed === undefined || !may(actor, 'app.read', resourceOf(renamed, undefined)))
    return appNotFound();
  return appRenamed(
    name,
    renamed.name,
    `-a ${renamed.name}, or for the git remote of a folder: slipway git:remote -a ${renamed.name}`,
  );
}

function nameIn(request: FastifyRequest): AppName | undefined {
  const { app } = request.params as Record<string, string | undefined>;
  return app === undefined ? undefined : parseNameOrNothing(app);
}

/**
 * An app that a request names beside the app in its path. The caller must be allowed to do the action on it as well.
 * @throws SLIP_APP_NOT_FOUND, also for an app of another user
 */
export async function requireApp(
  { store }: Pick<AuthDeps, 'store'>,
  { user, name, action }: { readonly user: User; readonly name: string; readonly action: Action },
): Promise<App> {
  const parsed = parseNameOrNothing(name);
  const app = parsed === undefined ? undefined : await store.appByName(parsed);
  if (app === undefined || !may(actorOfUser(user), action, resourceOf(app, user))) throw appNotFound();
  return app;
}

/** An invalid name is treated as an app that does not exist. */
function parseNameOrNothing(text: string): AppName | undefined {
  try {
    return parseAppName(text);
  } catch {
    return undefined;
  }
}

/** Logs and browser histories store URLs. */
function refuseTokenInQuery(request: FastifyRequest): void {
  const query = request.query as Record<string, unknown>;
  if (!TOKEN_PARAMETERS.some((name) => name in query)) return;
  throw new SlipwayError({
    code: 'SLIP_TOKEN_IN_URL',
    httpStatus: 400,
    message: 'A token must not be in a URL, because logs store URLs.',
    hint: 'Send it as a header (Authorization: Bearer …), and replace this token, because others may have seen it.',
  });
}
