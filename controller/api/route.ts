import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { App } from '../domain/apps.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { User } from '../domain/users.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { RouteAccess } from './deps.ts';
import { parseInput } from './validate.ts';

/** Who was let in, and to what; set by the door before a handler runs. */
export interface Admission {
  readonly user?: User | undefined;
  readonly node?: NodeRow | undefined;
  /** Set on routes with `:app`; the caller may do the route's action on it. */
  readonly app?: App | undefined;
}

export interface RouteInput<Q, B> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Q;
  readonly body: B;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Aborted when the caller goes away or the API closes. */
  readonly signal: AbortSignal;
}

/** One route, complete: the table of these is the API. */
export interface Route extends RouteAccess {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/v1`. */
  readonly url: string;
  /** Not below `/v1`: an address that people type. */
  readonly atRoot?: true | undefined;
  readonly bodyLimitBytes?: number | undefined;
  /** The answer: JSON, a stream, or undefined for 204. */
  readonly handle: (input: RouteInput<unknown, unknown>, admission: Admission) => Promise<unknown>;
}

type Output<T extends z.ZodType | undefined> = T extends z.ZodType ? z.output<T> : undefined;

interface Spec<Q extends z.ZodObject | undefined, B extends z.ZodType | undefined, Who> extends RouteAccess {
  readonly method: Route['method'];
  readonly url: string;
  readonly atRoot?: true;
  readonly query?: Q;
  readonly body?: B;
  readonly bodyLimitBytes?: number;
  readonly handle: (input: RouteInput<Output<Q>, Output<B>> & Who) => Promise<unknown>;
}

type Declare<Auth extends RouteAccess['auth'], Who> = <
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  spec: Spec<Q, B, Who> & { readonly auth: Auth },
) => Route;

/** For callers who are nobody yet. */
export const anonymousRoute: Declare<'anonymous', object> = (spec) => erase(spec, () => ({}));

/** For people. */
export const userRoute: Declare<'user' | 'admin', { readonly user: User }> = (spec) =>
  erase(spec, ({ user }) => ({ user: user ?? absent('user') }));

/** For people, about the app in `:app`. */
export const appRoute: Declare<'user' | 'admin', { readonly user: User; readonly app: App }> = (spec) =>
  erase(spec, ({ user, app }) => ({ user: user ?? absent('user'), app: app ?? absent('app') }));

/** For agents with their certificate. */
export const nodeRoute: Declare<'node', { readonly node: NodeRow }> = (spec) =>
  erase(spec, ({ node }) => ({ node: node ?? absent('node') }));

function erase<Q extends z.ZodObject | undefined, B extends z.ZodType | undefined, Who>(
  spec: Spec<Q, B, Who>,
  who: (admission: Admission) => Who,
): Route {
  const { method, url, atRoot, auth, action, bodyLimitBytes } = spec;
  return {
    method,
    url,
    atRoot,
    auth,
    action,
    bodyLimitBytes,
    handle: (input, admission) =>
      spec.handle({
        ...input,
        query: parseOptional(spec.query, input.query, 'query') as Output<Q>,
        body: parseOptional(spec.body, input.body, 'body') as Output<B>,
        ...who(admission),
      }),
  };
}

function parseOptional(schema: z.ZodType | undefined, value: unknown, place: 'query' | 'body'): unknown {
  return schema === undefined ? undefined : parseInput(schema, value, place);
}

function absent(what: string): never {
  throw new SlipwayError({
    code: 'SLIP_API_ROUTE',
    kind: 'bug',
    message: `A route ran without the ${what} it declared.`,
  });
}
