import { Agent, request, type Dispatcher } from 'undici';
import { NEXT_PAGE_HEADER } from '../shared/api/apps.ts';
import type { ErrorBody } from '../shared/api/schema.ts';
import { SlipwayError } from '../shared/kit/errors.ts';
import type { CliSettings } from './settings.ts';
import { legible } from './terminal/escape.ts';

/** The controller's API. It trusts only the CA of the fleet. */
export interface ApiClient {
  readonly url: string;
  /** The answer, with every text made safe for a terminal. */
  call<T>(method: Method, path: string, body?: unknown): Promise<T>;
  /** The unchanged answer, for programs. Its texts may contain control characters. */
  callAsIs<T>(method: Method, path: string, body?: unknown): Promise<T>;
  /** A whole list, read page by page, and safe for a terminal. */
  list<T>(path: string): Promise<readonly T[]>;
  /** The body of an answer as a stream, without a time limit. */
  stream(path: string, options: StreamOptions): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** After this silence the stream counts as broken. Absent: it may be silent for any time. */
  readonly silenceMs?: number | undefined;
}

/** For streams on which the controller sends an empty line every 20 s. */
export const FOLLOW_SILENCE_MS = 45_000;

const CONNECT_TIMEOUT_MS = 10_000;
/** A config change is answered after its rollout. */
const ANSWER_TIMEOUT_MS = 30 * 60_000;

export function createClient(config: CliSettings): ApiClient {
  const agent = new Agent({ connect: { ca: config.caPem, timeout: CONNECT_TIMEOUT_MS } });
  const send = async (
    path: string,
    options: Omit<Dispatcher.RequestOptions, 'path' | 'origin'>,
  ): Promise<Dispatcher.ResponseData> => {
    try {
      const answer = await request(new URL(`/v1${path}`, config.url), {
        ...options,
        dispatcher: agent,
        headers: {
          authorization: `Bearer ${config.token}`,
          ...(options.body === null || options.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        headersTimeout: ANSWER_TIMEOUT_MS,
      });
      return answer.statusCode < 300 ? answer : await fail(answer);
    } catch (error) {
      throw explain(error, config.url);
    }
  };
  const callAsIs = async <T>(method: Method, path: string, body?: unknown): Promise<T> => {
    const answer = await send(path, { method, body: body === undefined ? null : JSON.stringify(body) });
    const text = await answer.body.text();
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  return {
    url: config.url,
    call: async <T>(method: Method, path: string, body?: unknown) => legible(await callAsIs<T>(method, path, body)),
    callAsIs,
    list: (path) => readParts(path, (part) => send(part, { method: 'GET', body: null })),
    stream: async (path, { signal, silenceMs = 0 }) =>
      explained((await send(path, { method: 'GET', signal, bodyTimeout: silenceMs })).body, config.url),
    close: () => agent.destroy(),
  };
}

/** Stops if the server names the same page again, because the loop would not end. */
async function readParts<T>(
  path: string,
  ask: (path: string) => Promise<Dispatcher.ResponseData>,
): Promise<readonly T[]> {
  const rows: T[] = [];
  for (let after: string | undefined; ;) {
    const answer = await ask(after === undefined ? path : `${path}?after=${encodeURIComponent(after)}`);
    rows.push(...legible((await answer.body.json()) as T[]));
    const next = answer.headers[NEXT_PAGE_HEADER];
    if (typeof next !== 'string' || next === after) return rows;
    after = next;
  }
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
  const text = await answer.body.text();
  const body = parseError(text);
  throw new SlipwayError({
    code: body?.error ?? 'SLIP_CLI_ANSWER',
    message: body?.message ?? `The controller answered with status ${answer.statusCode}.`,
    hint:
      body?.hint ??
      (body === undefined ? 'Is this the address of a Slipway controller? See: slipway login --help' : undefined),
    details: body?.details,
    httpStatus: answer.statusCode,
  });
}

function parseError(text: string): ErrorBody | undefined {
  try {
    const body = JSON.parse(text) as Partial<ErrorBody> | null;
    return typeof body?.error === 'string' && typeof body.message === 'string' ? (body as ErrorBody) : undefined;
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
