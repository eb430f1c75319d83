import type { Duplex, Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { API_ROUTES, type ApiRoutes, type OperationId } from '../../shared/api/routes.ts';
import type { AnswerOutput, BodyOutput, Params, QueryOutput, RouteSpec } from '../../shared/api/route-spec.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { App } from '../domain/apps.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { User } from '../domain/users.ts';
import type { RouteAccess } from './deps.ts';
import { parseInput } from './validate.ts';

/** The authenticated caller and the app of the request; set before a handler runs. */
export interface Admission {
  readonly user?: User | undefined;
  readonly node?: NodeRow | undefined;
  /** Set on routes with `:app`; the caller may do the route's action on it. */
  readonly app?: App | undefined;
}

/** For a route whose connection becomes a stream of bytes. */
export interface ConnectionOfRequest {
  /** @throws SLIP_UPGRADE_REQUIRED if the client did not ask for a stream */
  require(): void;
  /** Answers with status 101. */
  accept(): Duplex;
}

/** A request before its query and body are checked. */
export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly connection: ConnectionOfRequest;
  /** Aborted when the caller disconnects or the API closes. */
  readonly signal: AbortSignal;
  /** For a stream: aborts with the reason when the caller loses the right to it. */
  readonly untilRevoked: () => AbortSignal;
}

export interface RouteInput<S extends RouteSpec> extends RawInput {
  readonly params: Params<S>;
  readonly query: QueryOutput<S>;
  readonly body: BodyOutput<S>;
}

/** One route, complete: the table of these is the API. */
export interface Route extends RouteAccess {
  readonly id: OperationId;
  readonly method: RouteSpec['method'];
  /** Below `/v1`, unless the spec says `atRoot`. */
  readonly url: string;
  readonly spec: RouteSpec;
  readonly bodyLimitBytes?: number | undefined;
  /** The answer: JSON, a stream, or undefined for 204. */
  readonly handle: (input: RawInput, admission: Admission) => Promise<unknown>;
}

/** JSON has a type of its own; a stream is checked by its reader. */
type Answer<S extends RouteSpec> =
  | AnswerOutput<S>
  | (S extends { readonly lines: z.ZodType } ? Readable : never)
  | (S extends { readonly answerType: string } ? Readable | FastifyReply | string : never);

interface Options<S extends RouteSpec, Caller> extends RouteAccess {
  readonly bodyLimitBytes?: number;
  readonly handle: (input: RouteInput<S> & Caller) => Promise<Answer<S>>;
}

type Declare<Auth extends RouteAccess['auth'], Caller> = <Id extends OperationId>(
  id: Id,
  options: Options<ApiRoutes[Id], Caller> & { readonly auth: Auth },
) => Route;

/** For callers without an identity. */
export const anonymousRoute: Declare<'anonymous', object> = (id, options) => erase(id, options, () => ({}));

/** For people. */
export const userRoute: Declare<'user' | 'admin', { readonly user: User }> = (id, options) =>
  erase(id, options, ({ user }) => ({ user: user ?? absent('user') }));

/** For people, about the app in `:app`. */
export const appRoute: Declare<'user' | 'admin', { readonly user: User; readonly app: App }> = (id, options) =>
  erase(id, options, ({ user, app }) => ({ user: user ?? absent('user'), app: app ?? absent('app') }));

/** For agents with their certificate. */
export const nodeRoute: Declare<'node', { readonly node: NodeRow }> = (id, options) =>
  erase(id, options, ({ node }) => ({ node: node ?? absent('node') }));

function erase<Id extends OperationId, Caller>(
  id: Id,
  { auth, action, bodyLimitBytes, handle }: Options<ApiRoutes[Id], Caller>,
  callerOf: (admission: Admission) => Caller,
): Route {
  const spec: RouteSpec = API_ROUTES[id];
  return {
    ...{ id, method: spec.method, url: spec.path, spec, auth, action, bodyLimitBytes },
    handle: (input, admission) =>
      handle({ ...(parseRequest(spec, input) as RouteInput<ApiRoutes[Id]>), ...callerOf(admission) }),
  };
}

/** The router fills in each parameter of the path. */
function parseRequest(spec: RouteSpec, input: RawInput): RawInput {
  return {
    ...input,
    query: spec.query === undefined ? undefined : parseInput(spec.query, input.query, 'query'),
    body: spec.body === undefined ? undefined : parseInput(spec.body, input.body, 'body'),
  };
}

function absent(what: string): never {
  throw new SlipwayError({
    code: 'SLIP_API_ROUTE',
    kind: 'bug',
    message: `A route ran without the ${what} it declared.`,
  });
}
