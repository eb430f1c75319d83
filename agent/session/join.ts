import { X509Certificate, createPrivateKey } from 'node:crypto';
import { join as joinPath } from 'node:path';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { createKeyRequest, requestFor } from './key-request.ts';
import { KEY_FILE, readIdentity, writeMembership, type NodeIdentity } from './node-files.ts';
import { fetchPinnedCa, unreachable } from './pinned-ca.ts';
import { pinOf } from '../../shared/kit/ca-pin.ts';

export interface JoinRequest {
  /** `https://host:port` of the controller. */
  readonly url: string;
  /** Single-use. Secret: sent only to a server with the pinned CA. */
  readonly token: string;
  /** `sha256:` and the hex SHA-256 of the CA's public key. */
  readonly caPin: string;
  /** What the node shall be called. */
  readonly name: string;
  readonly stateDir: string;
  readonly timeoutMs?: number | undefined;
}

export interface Joined {
  readonly identity: NodeIdentity;
  /** True when the node had joined before and nothing was done; the token is still good. */
  readonly already: boolean;
}

const PIN = /^sha256:[0-9a-f]{64}$/i;
const DEFAULT_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 256 * 1024;

const answerSchema = z.object({
  nodeId: z.string().max(64),
  nodeName: z.string().max(64),
  certificate: z.string().max(20_000),
  ca: z.string().max(20_000),
  grpcAddress: z.string().min(3).max(300),
});
type Answer = z.infer<typeof answerSchema>;
const errorSchema = z.object({ error: z.string().regex(/^SLIP_[A-Z0-9_]+$/), message: z.string(), hint: z.string().optional() });

/**
 * Makes this machine a node: key and request here, certificate from the controller, all stored so that a crash leaves
 * either a member or a machine that can join again.
 * @throws SLIP_JOIN_*, and the controller's own refusal (e.g. SLIP_JOIN_TOKEN)
 */
export async function join(of: JoinRequest): Promise<Joined> {
  const known = await readIdentity(of.stateDir);
  if (known !== undefined) return { identity: known, already: true };
  const url = parseUrl(of.url);
  if (!PIN.test(of.caPin)) throw badPin();
  const timeoutMs = of.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const ca = await fetchPinnedCa(url, of.caPin, timeoutMs);
  const { keyPem, csrPem } = await ownKey(of);
  const answer = await post(new URL('/v1/join', url), { ca, timeoutMs, body: { token: of.token, name: of.name, csr: csrPem } });
  checkAnswer(answer, { keyPem, pin: of.caPin, url });
  const identity = { nodeId: answer.nodeId, nodeName: answer.nodeName, apiUrl: url.origin, grpcAddress: answer.grpcAddress };
  await writeMembership(of.stateDir, { identity, certificate: answer.certificate, ca: answer.ca });
  return { identity, already: false };
}

/** The key of an earlier try is used again: it never left this machine. */
async function ownKey(of: JoinRequest): Promise<{ keyPem: string; csrPem: string }> {
  const path = joinPath(of.stateDir, KEY_FILE);
  const existing = await readFileIfExists(path);
  if (existing !== undefined) return { keyPem: existing, csrPem: await requestFor(existing, of.name) };
  const fresh = await createKeyRequest(of.name);
  await ensureDir(of.stateDir, 0o700);
  await writeFileAtomic(path, fresh.keyPem, 0o600);
  return fresh;
}

async function post(url: URL, of: { ca: string; timeoutMs: number; body: object }): Promise<Answer> {
  const agent = new Agent({
    connect: { ca: of.ca, rejectUnauthorized: true, minVersion: 'TLSv1.2', timeout: of.timeoutMs },
    headersTimeout: of.timeoutMs,
    bodyTimeout: of.timeoutMs,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  try {
    const headers = { 'content-type': 'application/json' };
    const { statusCode, body } = await request(url, { method: 'POST', dispatcher: agent, headers, body: JSON.stringify(of.body) });
    const text = await body.text();
    if (statusCode >= 200 && statusCode < 300) return parseAnswer(text, url);
    throw refusal(text, statusCode);
  } catch (error) {
    throw error instanceof SlipwayError ? error : unreachable(url, error);
  } finally {
    await agent.destroy();
  }
}

function parseAnswer(text: string, url: URL): Answer {
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw badAnswer(url, cause);
  }
}

/** The CA must be the pinned one, and the certificate of our key and from that CA. */
function checkAnswer(answer: Answer, own: { keyPem: string; pin: string; url: URL }): void {
  try {
    const ca = new X509Certificate(answer.ca);
    const certificate = new X509Certificate(answer.certificate);
    const good =
      pinOf(ca) === own.pin.toLowerCase() && certificate.verify(ca.publicKey) && certificate.checkPrivateKey(createPrivateKey(own.keyPem));
    if (good) return;
  } catch (cause) {
    throw badAnswer(own.url, cause);
  }
  throw badAnswer(own.url, undefined);
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  throw new SlipwayError({
    code: 'SLIP_JOIN_URL',
    message: 'The address of the controller must be https://host:port.',
    hint: 'Copy the whole join command again from: slipway nodes:token',
  });
}

function badPin(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_JOIN_PIN_FORMAT',
    message: "The CA's fingerprint must be sha256: and 64 hex digits.",
    hint: 'Copy the whole join command again from: slipway nodes:token',
  });
}

function badAnswer(url: URL, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_JOIN_ANSWER',
    message: `${url.host} answered with something that is not a membership of its fleet.`,
    hint: 'Check that controller and agent have the same version, then join with a new token.',
    cause,
  });
}

/** The controller's own words where it has some. */
function refusal(text: string, statusCode: number): SlipwayError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const known = errorSchema.safeParse(parsed);
  if (known.success) {
    const { error: code, message, hint } = known.data;
    return new SlipwayError({ code, message, hint, kind: statusCode >= 500 ? 'transient' : 'user', httpStatus: statusCode });
  }
  return new SlipwayError({
    code: 'SLIP_JOIN_REFUSED',
    message: `The controller refused the join (HTTP ${String(statusCode)}).`,
    hint: 'See the log of the controller.',
  });
}
