import { Agent, request } from 'undici';
import { plainText } from '../../acme/problem.ts';
import { providerFailed } from './provider-failed.ts';

/** HTTPS to the API of a provider, with limits on time and size. It follows no redirects. */
export interface ApiOptions {
  /** For messages. */
  readonly provider: string;
  readonly baseUrl: string;
  /** With the credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base URL. */
  readonly path: string;
  readonly body?: object | undefined;
  /** Statuses from 400 on that are answers too. */
  readonly accepts?: readonly number[] | undefined;
}

export interface ApiAnswer {
  readonly status: number;
  /** Undefined: the answer is no JSON. */
  readonly json: unknown;
}

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/** @throws SLIP_DNS_PROVIDER */
export async function askApi(options: ApiOptions, wanted: ApiRequest): Promise<ApiAnswer> {
  const { provider, baseUrl } = options;
  const { status, text } = await exchange(options, wanted).catch((cause: unknown) => {
    throw providerFailed(provider, `${new URL(baseUrl).host} did not give a complete answer`, cause);
  });
  const json = parseJson(text);
  if (status < 300 || wanted.accepts?.includes(status) === true) return { status, json };
  const said = sayProblem(json);
  throw providerFailed(provider, `${new URL(baseUrl).host} answered with status ${String(status)}${said}`);
}

async function exchange(
  { baseUrl, headers, signal }: ApiOptions,
  { method, path, body }: ApiRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  const agent = new Agent({
    ...{ headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, maxResponseSize: ANSWER_BYTES_MAX },
    connect: { timeout: TIMEOUT_MS, minVersion: 'TLSv1.2' },
  });
  try {
    const answer = await request(`${baseUrl.replace(/\/$/, '')}${path}`, {
      ...{ method, dispatcher: agent, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) },
      headers: { ...headers, accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  } finally {
    await agent.destroy();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The words of the API, where providers put them. Its answers do not repeat credentials. */
function sayProblem(json: unknown): string {
  const places = [read(read(read(json, 'errors'), '0'), 'message'), read(read(json, 'error'), 'message')];
  const said = [...places, read(json, 'message'), read(json, 'error')].find((text) => typeof text === 'string');
  return typeof said === 'string' && said !== '' ? ` (${plainText(said).slice(0, 200)})` : '';
}

function read(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
