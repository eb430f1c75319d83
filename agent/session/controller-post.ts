import { Agent, request } from 'undici';
import type { z } from 'zod';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { parseErrorBody } from './error-body.ts';
import { unreachable } from './pinned-ca.ts';

export interface PostOptions<T> {
  readonly body: object;
  readonly timeoutMs: number;
  /** PEM. The request goes only to a server whose certificate is from this CA. */
  readonly ca: string;
  /** Key and certificate of the node, if it has them. */
  readonly own?: { readonly key: string; readonly certificate: string } | undefined;
  readonly answer: z.ZodType<T>;
}

const MAX_ANSWER_BYTES = 256 * 1024;

/** One request to the controller's API, on a connection of its own. @throws SLIP_JOIN_*, or the error of the controller */
export async function postToController<T>(url: URL, options: PostOptions<T>): Promise<T> {
  const { ca, timeoutMs, own } = options;
  const identity = own === undefined ? {} : { key: own.key, cert: own.certificate };
  const agent = new Agent({
    connect: { ca, ...identity, rejectUnauthorized: true, minVersion: 'TLSv1.2', timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  try {
    const headers = { 'content-type': 'application/json' };
    const { statusCode, body } = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers,
      body: JSON.stringify(options.body),
    });
    const text = await body.text();
    if (statusCode >= 200 && statusCode < 300) return parseAnswer(text, url, options.answer);
    throw controllerError(text, statusCode);
  } catch (error) {
    throw error instanceof SlipwayError ? error : unreachable(url, error);
  } finally {
    await agent.destroy();
  }
}

export function badAnswer(url: URL, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_JOIN_ANSWER',
    message: `${url.host} answered with something that is not a membership of its fleet.`,
    hint: 'Check that controller and agent have the same version, then join with a new token.',
    cause,
  });
}

function parseAnswer<T>(text: string, url: URL, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw badAnswer(url, cause);
  }
}

/** The error of the controller, if the answer has one. */
function controllerError(text: string, statusCode: number): SlipwayError {
  const known = parseErrorBody(text);
  const kind = statusCode >= 500 || statusCode === 429 ? 'transient' : 'user';
  if (known !== undefined) return new SlipwayError({ ...known, kind, httpStatus: statusCode });
  return new SlipwayError({
    code: 'SLIP_JOIN_REFUSED',
    kind,
    message: `The controller refused the request (HTTP ${String(statusCode)}).`,
    hint: 'See the log of the controller.',
  });
}
