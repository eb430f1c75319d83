import { Readable } from 'node:stream';
import { Agent, request, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { errorBody } from '../shared/api/schema.ts';
import { SlipwayError } from '../shared/kit/errors.ts';
import type { CliSettings } from './settings.ts';

/** HTTP to the controller. It trusts only the CA of the fleet, and knows no routes. */
export interface Transport {
  readonly url: string;
  ask(request: HttpRequest): Promise<HttpAnswer>;
  /** The body of an answer as a stream, without a time limit. */
  stream(path: string, options: StreamOptions): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

export interface HttpRequest {
  readonly method: Dispatcher.HttpMethod;
  /** With its query. */
  readonly path: string;
  /** JSON; absent: a request without a body. */
  readonly body?: unknown;
}

export interface HttpAnswer {
  /** Empty for an answer without a body. */
  readonly text: string;
  readonly header: (name: string) => string | undefined;
}

export interface StreamOptions {
  /** Bytes to send first, with POST. Absent: a GET. */
  readonly body?: Readable | undefined;
  readonly signal: AbortSignal;
  /** After this silence the stream counts as broken. 0: it may be silent for any time. */
  readonly silenceMs: number;
}

/** A controller of another version may omit the details. */
const tolerantErrorBody = errorBody.partial({ details: true });

const CONNECT_TIMEOUT_MS = 10_000;
/** A config change is answered after its rollout. */
const ANSWER_TIMEOUT_MS = 30 * 60_000;

export function createTransport(config: CliSettings): Transport {
  const agent = new Agent({ connect: { ca: config.caPem, timeout: CONNECT_TIMEOUT_MS } });
  const send = async (
    path: string,
    options: Omit<Dispatcher.RequestOptions, 'path' | 'origin'>,
  ): Promise<Dispatcher.ResponseData> => {
    try {
      const answer = await request(new URL(path, config.url), {
        ...options,
        dispatcher: agent,
        headers: {
          authorization: `Bearer ${config.token}`,
          ...typeOf(options.body),
        },
        headersTimeout: ANSWER_TIMEOUT_MS,
      });
      return answer.statusCode < 300 ? answer : await fail(answer);
    } catch (error) {
      throw explain(error, config.url);
    }
  };
  return {
    url: config.url,
    ask: async ({ method, path, body }) => {
      const answer = await send(path, { method, body: body === undefined ? null : JSON.stringify(body) });
      return { text: await answer.body.text(), header: (name) => textOf(answer.headers[name]) };
    },
    stream: async (path, { body, signal, silenceMs }) => {
      const sent = body === undefined ? { method: 'GET' as const } : { method: 'POST' as const, body };
      return explained((await send(path, { ...sent, signal, bodyTimeout: silenceMs })).body, config.url);
    },
    close: () => agent.destroy(),
  };
}

function typeOf(body: unknown): { readonly 'content-type'?: string } {
  if (body === null || body === undefined) return {};
  return { 'content-type': body instanceof Readable ? 'application/octet-stream' : 'application/json' };
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

/** Explains the error if the stream breaks. */
async function* explained(chunks: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw explain(error, url);
  }
}

async function fail(answer: Dispatcher.ResponseData): Promise<never> {
  throw failureOf(answer.statusCode, await answer.body.text());
}

/** The error in an answer of the controller, or of another server. */
export function failureOf(statusCode: number, text: string): SlipwayError {
  const body = parseError(text);
  return new SlipwayError({
    code: body?.error ?? 'SLIP_CLI_ANSWER',
    message: body?.message ?? `The controller answered with status ${statusCode}.`,
    hint:
      body?.hint ??
      (body === undefined ? 'Is this the address of a Slipway controller? See: slipway login --help' : undefined),
    details: body?.details,
    httpStatus: statusCode,
  });
}

/** The error that ends a stream of lines of JSON; undefined: an ordinary line. */
export function failureLine(line: string): SlipwayError | undefined {
  return line.startsWith('{"error":"SLIP_') ? failureOf(0, line) : undefined;
}

function parseError(text: string): z.output<typeof tolerantErrorBody> | undefined {
  try {
    return tolerantErrorBody.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Explains why there was no answer. */
export function explain(error: unknown, url: string): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const { code, message, hint } = reasonOf(errnoOf(error), url);
  return new SlipwayError({ code, kind: 'transient', message, hint, cause: error });
}

interface Why {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const WRONG_CERTIFICATE = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

function reasonOf(errno: string, url: string): Why {
  if (WRONG_CERTIFICATE.has(errno)) {
    return {
      code: 'SLIP_CLI_CERTIFICATE',
      message: `The server at ${url} is not the controller you signed in to: another authority issued its certificate.`,
      hint: 'If the controller was installed again, sign in again with: slipway login. If not, somebody may intercept the connection.',
    };
  }
  const known = REASONS[errno];
  const hint = known?.hint ?? 'Check the address and the network, and that the controller runs.';
  return {
    code: 'SLIP_CLI_UNREACHABLE',
    message: `The controller at ${url} cannot be reached: ${known?.why ?? errno}.`,
    hint,
  };
}

const REASONS: Readonly<Record<string, { readonly why: string; readonly hint: string }>> = {
  ECONNREFUSED: {
    why: 'nothing listens at this address',
    hint: 'Start the controller, or sign in to another one with: slipway login',
  },
  ENOTFOUND: { why: 'its name is unknown', hint: 'Check the name, and the network of this machine.' },
  EAI_AGAIN: { why: 'its name could not be looked up', hint: 'Check the network of this machine.' },
  UND_ERR_CONNECT_TIMEOUT: {
    why: 'it does not answer',
    hint: 'Check the address, and that no firewall blocks the connection.',
  },
  ECONNRESET: { why: 'the connection broke', hint: 'It may be restarting; try again.' },
  UND_ERR_BODY_TIMEOUT: {
    why: 'it stopped sending',
    hint: 'Check the network of this machine, and that the controller runs.',
  },
  UND_ERR_SOCKET: { why: 'the connection broke', hint: 'It may be restarting; try again.' },
  CERT_HAS_EXPIRED: {
    why: 'its certificate has expired',
    hint: 'Check the clock of this machine with: date. A restart of the controller renews its certificate.',
  },
  CERT_NOT_YET_VALID: { why: 'its certificate is not valid yet', hint: 'Check the clock of this machine with: date' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    why: 'its certificate is for another name',
    hint: 'Sign in with the name in its settings (publicHost).',
  },
};

function errnoOf(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof AggregateError && at.errors.length > 0) return errnoOf(at.errors[0]);
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return error instanceof Error ? error.message : String(error);
}
