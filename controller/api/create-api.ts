import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isErrno, SlipwayError } from '../../shared/kit/errors.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type { ServerCredential } from '../access/ca/authority.ts';
import { quotaReached } from '../access/quota-error.ts';
import type { User } from '../domain/users.ts';
import { ConnectionLimiter } from '../access/connection-limiter.ts';
import { errorBody, notFound, toApiError } from './api-errors.ts';
import { OpenAccesses } from '../access/open-accesses.ts';
import { admit, admitAgain, isAboutApp } from './authenticate.ts';
import { checkAnswer, checkLines } from './check-answer.ts';
import type { ApiConfig, ApiDeps, RouteAccess } from './deps.ts';
import { endWhenRevoked } from './end-revoked.ts';
import { API_LIMITS, guardConnections } from './guard-connections.ts';
import type { Admission, RawInput, Route } from './route.ts';
import { OpenRequests } from './open-requests.ts';
import { isStreamRequest, StreamRequests } from './stream-requests.ts';
import { apiRoutes } from './routes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
  interface FastifyRequest {
    admission: Admission;
  }
}

export interface Api {
  /** Resolves to the port once it answers. */
  listen(): Promise<number>;
  /** Refuses new requests and ends streams. Resolves when all connections are closed. */
  close(): Promise<void>;
}

const JSON_LIMIT_BYTES = 64 * 1024;
/** Enough for an upload of the largest image over a slow line. */
const REQUEST_TIMEOUT_MS = 30 * 60_000;
const HEADERS_TIMEOUT_MS = 15_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const BODY_TIMEOUT_MS = 20_000;
/** How often Node checks for slow headers and bodies. Its default of 30 s would add to each time limit. */
const TIMEOUT_CHECK_MS = 5_000;
const RENEWAL_CHECK_MS = 60 * 60_000;

/** The HTTPS server of the controller, for the CLI, for nodes that join, and for layers that agents download. */
export function createApi(config: ApiConfig, deps: ApiDeps): Api {
  const closing = new AbortController();
  let server: FastifyInstance | undefined;
  return {
    listen: async () => {
      const credential = await deps.authority.serverCredential();
      server = buildServer(config, deps, { credential, signal: closing.signal });
      await server.listen({ host: config.host, port: config.port }).catch((cause: unknown) => {
        throw cannotListen(config, cause);
      });
      void keepCredentialFresh(server, deps, { credential, signal: closing.signal });
      return portOf(server);
    },
    close: async () => {
      closing.abort(new Error('the API is closing'));
      await server?.close();
    },
  };
}

interface Life {
  readonly credential: ServerCredential;
  readonly signal: AbortSignal;
}

function buildServer(config: ApiConfig, deps: ApiDeps, { credential, signal }: Life): FastifyInstance {
  // Fastify's type depends on https.Server; the routes do not need it.
  const server = Fastify({
    https: {
      ...tls(deps, credential),
      // People have a token and no certificate. Routes for nodes check the certificate themselves.
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      shouldUpgradeCallback: isStreamRequest,
    },
    logger: false,
    bodyLimit: JSON_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  }) as unknown as FastifyInstance;
  server.server.headersTimeout = HEADERS_TIMEOUT_MS;
  const connections = new ConnectionLimiter({ ...API_LIMITS, ...config.connectionLimits }, { ...deps, name: 'api' });
  guardConnections(server.server, connections);
  server.server.on('secureConnection', (socket: TLSSocket) => deps.connections.add(socket));
  server.removeContentTypeParser('text/plain');
  server.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  server.decorateRequest('admission');
  requireAccess(server);
  server.addHook('onRequest', async (request) => {
    const { access } = request.routeOptions.config;
    connections.requestReceived(request.raw.socket);
    if (access !== undefined) request.admission = await admit(deps, request, access);
    if (access !== undefined && access.auth !== 'anonymous') connections.authenticated(request.raw.socket);
    if (request.routeOptions.bodyLimit === JSON_LIMIT_BYTES)
      limitBodyTime(request, deps.clock, config.bodyTimeoutMs ?? BODY_TIMEOUT_MS);
  });
  server.setErrorHandler((error, request, reply) => answerError(deps, error, { request, reply }));
  server.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody(notFound('address in this API'))));
  const open = new OpenRequests();
  const streams = new StreamRequests();
  streams.listen(server);
  const accesses = new OpenAccesses(deps);
  for (const route of apiRoutes(config, deps))
    register(server, route, {
      closing: signal,
      streams,
      clock: deps.clock,
      watch: (request, { action }, gone) => accesses.watch(() => admitAgain(deps, { request, action }), gone),
      checksAnswers: config.checksAnswers === true,
      admitted: (user, gone) => countRequest(deps.store, open, [user, gone]),
    });
  return server;
}

/** A request body is short. A client that sends it byte by byte only holds the connection. */
function limitBodyTime({ raw }: FastifyRequest, clock: Clock, ms: number): void {
  if (raw.complete) return;
  const stop = callAfter(clock, ms, () => raw.socket.destroy());
  raw.once('close', stop).once('end', stop);
}

/** A route without an access rule stops the start of the controller. */
function requireAccess(server: FastifyInstance): void {
  server.addHook('onRoute', ({ method, url, config }) => {
    const access = config?.access;
    if (access === undefined) throw undeclared(`${String(method)} ${url} does not say who may call it.`);
    if (isAboutApp(access.action) && !url.includes('/:app'))
      throw undeclared(`${String(method)} ${url} has an action on an app, but no :app in its path.`);
  });
}

function undeclared(message: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_API_ROUTE', kind: 'bug', message });
}

/** @throws SLIP_QUOTA if the user has too many open requests */
async function countRequest(
  store: ApiDeps['store'],
  open: OpenRequests,
  [user, gone]: [User, AbortSignal],
): Promise<void> {
  const count = open.count(user.id);
  open.add(user.id, gone);
  const max = await store.quotaOf(user.id, 'requests');
  if (count >= max) throw quotaReached({ name: 'requests', max, user: user.name });
}

interface Registered {
  readonly closing: AbortSignal;
  readonly streams: StreamRequests;
  readonly clock: Clock;
  /** Aborts when the caller of the request may not call this route any more. */
  readonly watch: (request: FastifyRequest, route: Route, gone: AbortSignal) => AbortSignal;
  readonly checksAnswers: boolean;
  readonly admitted: (user: User, gone: AbortSignal) => Promise<void>;
}

function register(server: FastifyInstance, route: Route, registered: Registered): void {
  const { closing, streams, checksAnswers, admitted } = registered;
  const { method, url, spec } = route;
  server.route({
    method,
    url: spec.atRoot === true ? url : `/v1${url}`,
    config: { access: { auth: route.auth, action: route.action } },
    ...(route.bodyLimitBytes === undefined ? {} : { bodyLimit: route.bodyLimitBytes }),
    handler: async (request, reply) => {
      const gone = untilGone(reply);
      const signal = AbortSignal.any([closing, gone]);
      if (request.admission.user !== undefined) await admitted(request.admission.user, gone);
      const { params, query, body } = request;
      const connection = streams.connectionOf(request, reply);
      const untilRevoked = (): AbortSignal => registered.watch(request, route, gone);
      const input = { params, query, body, request, reply, connection, signal, untilRevoked };
      const answer = await route.handle(input, request.admission);
      if (reply.sent) return answer;
      const checked = checksAnswers ? checkedAnswer(route, answer) : answer;
      if (spec.status !== undefined) reply.code(spec.status);
      if (checked === undefined) return reply.code(spec.status ?? 204).send();
      if (!(checked instanceof Readable)) return checked;
      return reply.send(request.admission.user === undefined ? checked : endable(checked, input, registered));
    },
  });
}

/** A stream for a person. */
function endable(answer: Readable, { request, reply, untilRevoked }: RawInput, { clock }: Registered): Readable {
  const isJson = String(reply.getHeader('content-type')).startsWith('application/x-ndjson');
  return endWhenRevoked(answer, {
    ...{ revoked: untilRevoked(), isJson, clock },
    close: () => request.raw.socket.destroy(),
  });
}

function checkedAnswer({ method, url, spec }: Route, answer: unknown): unknown {
  const name = `${method} ${url}`;
  if (answer instanceof Readable) return spec.lines === undefined ? answer : checkLines(spec.lines, answer, name);
  if (spec.answerType === undefined) checkAnswer(spec.answer, answer, name);
  return answer;
}

/** Aborted when the connection is closed or the answer is complete. */
function untilGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort(new Error('the caller disconnected')));
  return gone.signal;
}

async function answerError(
  deps: ApiDeps,
  error: unknown,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<void> {
  const known = toApiError(error);
  if (known.kind === 'bug') {
    const route = request.routeOptions.url ?? 'unknown';
    deps.log.error({ method: request.method, route, code: known.code, err: error }, 'api.failed');
  }
  await reply.code(known.httpStatus).type('application/json').send(errorBody(known));
}

function tls(
  deps: ApiDeps,
  credential: ServerCredential,
): { key: string; cert: string; ca: string; minVersion: 'TLSv1.2' } {
  return { key: credential.keyPem, cert: credential.certificatePem, ca: deps.authority.caPem, minVersion: 'TLSv1.2' };
}

/** New connections use the renewed certificate; open connections keep the old one. */
async function keepCredentialFresh(server: FastifyInstance, deps: ApiDeps, life: Life): Promise<void> {
  let current = life.credential;
  while (!isOver(life)) {
    try {
      await deps.clock.sleep(RENEWAL_CHECK_MS, life.signal);
      const fresh = await deps.authority.serverCredential();
      if (fresh.certificatePem === current.certificatePem) continue;
      current = fresh;
      // https.Server has this method; the type FastifyInstance hides it.
      (server.server as unknown as { setSecureContext(options: object): void }).setSecureContext(tls(deps, fresh));
      deps.log.info({ notAfterMs: fresh.notAfterMs }, 'api.certificate_renewed');
    } catch (error) {
      if (isOver(life)) return;
      deps.log.warn({ err: error }, 'api.certificate_renewal_failed');
    }
  }
}

function isOver(life: Life): boolean {
  return life.signal.aborted;
}

function cannotListen({ host, port }: ApiConfig, cause: unknown): SlipwayError {
  const busy = isErrno(cause, 'EADDRINUSE');
  return new SlipwayError({
    code: 'SLIP_API_LISTEN',
    message: `The API cannot listen on ${host}:${port}${busy ? ': another program does' : ''}.`,
    hint: busy
      ? `Find it with: ss -ltnp sport = :${port} — or set another port (api.port).`
      : 'Check address and port (api.host, api.port).',
    cause,
  });
}

function portOf(server: FastifyInstance): number {
  const address = server.server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
