import { Agent, request, type Dispatcher } from 'undici';
import type { Clock } from '../../shared/kit/clock.ts';
import { AcmeError, toProblem } from './problem.ts';
import { problemDocument } from './wire.ts';

export interface TransportOptions {
  /** PEM of the only CA that the server's certificate may be from. Undefined: the CAs of the machine. */
  readonly trustedCaPem?: string | undefined;
  /** For a whole exchange, from the connection to the last byte. */
  readonly timeoutMs: number;
  /** Ends every request. */
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
  /** Sent with each request (RFC 8555, 6.1). */
  readonly userAgent: string;
  /** Default: connections of its own. Unit tests give recorded answers. */
  readonly dispatcher?: Dispatcher | undefined;
}

export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** The signed body. */
  readonly body?: string | undefined;
}

export interface AcmeAnswer {
  readonly status: number;
  readonly text: string;
  readonly nonce: string | undefined;
  readonly location: string | undefined;
  /** The URL of the next page of a list (RFC 8555, 7.1.2.1). */
  readonly next: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** The clock of the CA, from the `Date` header. */
  readonly dateMs: number | undefined;
}

/** A chain of ten RSA certificates has 25 KB. No other answer comes near. */
const ANSWER_BYTES_MAX = 256 * 1024;
/** A longer wait is not believable. */
const RETRY_AFTER_MAX_MS = 30 * 24 * 60 * 60_000;
const NONCE = /^[A-Za-z0-9_-]{1,500}$/;

/** HTTPS to the CA, with limits on time and size. It follows no redirects. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #dispatcher: Dispatcher;

  constructor(options: TransportOptions) {
    this.#options = options;
    const { dispatcher = createAgent(options) } = options;
    this.#dispatcher = dispatcher;
  }

  /** Any answer below 400. @throws AcmeError, and the reason of the signal */
  async send(wanted: AcmeRequest): Promise<AcmeAnswer> {
    const answer = await this.#exchange(wanted).catch((cause: unknown) => {
      // The CA did nothing wrong when this controller stops.
      this.#options.signal?.throwIfAborted();
      throw unreachable(wanted.url, cause);
    });
    if (answer.status >= 400) throw new AcmeError(readProblem(answer), { nonce: answer.nonce });
    return answer;
  }

  async close(): Promise<void> {
    // Whoever passed a dispatcher in closes it.
    if (this.#options.dispatcher === undefined) await this.#dispatcher.destroy();
  }

  async #exchange({ method, url, body }: AcmeRequest): Promise<AcmeAnswer> {
    const { timeoutMs, signal, clock, userAgent } = this.#options;
    const limit = AbortSignal.timeout(timeoutMs);
    const answer = await request(url, {
      method,
      dispatcher: this.#dispatcher,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      headers: {
        'user-agent': userAgent,
        ...(body === undefined ? {} : { 'content-type': 'application/jose+json' }),
      },
      ...(body === undefined ? {} : { body }),
    });
    return readAnswer(answer, await readText(answer.body), clock.nowMs());
  }
}

function createAgent({ timeoutMs, trustedCaPem }: TransportOptions): Agent {
  return new Agent({
    connect: {
      timeout: timeoutMs,
      minVersion: 'TLSv1.2',
      ...(trustedCaPem === undefined ? {} : { ca: trustedCaPem }),
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: ANSWER_BYTES_MAX,
  });
}

/** A second limit: a dispatcher that was passed in may have none. */
async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer has more than ${String(ANSWER_BYTES_MAX)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readAnswer(answer: Dispatcher.ResponseData, text: string, nowMs: number): AcmeAnswer {
  const one = (name: string): string | undefined => [answer.headers[name]].flat()[0];
  const nonce = one('replay-nonce');
  const dateMs = Date.parse(one('date') ?? '');
  return {
    status: answer.statusCode,
    text,
    nonce: nonce !== undefined && NONCE.test(nonce) ? nonce : undefined,
    location: one('location'),
    next: nextPage([answer.headers['link']].flat()),
    retryAfterMs: retryAfter(one('retry-after'), nowMs),
    dateMs: Number.isNaN(dateMs) ? undefined : dateMs,
  };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
export function retryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}

function nextPage(links: readonly (string | undefined)[]): string | undefined {
  for (const link of links) {
    const next = /<([^<>]{1,2000})>\s*;\s*rel="next"/.exec(link ?? '')?.[1];
    if (next !== undefined) return next;
  }
  return undefined;
}

function readProblem(answer: AcmeAnswer): ReturnType<typeof toProblem> {
  const parsed = problemDocument.safeParse(parseJson(answer.text));
  return toProblem(parsed.success ? parsed.data : {}, answer);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}

function unreachable(url: string, cause: unknown): AcmeError {
  const host = URL.canParse(url) ? new URL(url).host : 'the CA';
  const detail = `${host} did not give a complete answer`;
  return new AcmeError({ type: 'unreachable', status: 0, detail, subproblems: [] }, { cause });
}
