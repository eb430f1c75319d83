import { createPrivateKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { pinOf } from '../../shared/kit/ca-pin.ts';
import { badAnswer, postToController } from './controller-post.ts';
import { createKeyRequest, requestFor } from './key-request.ts';
import { readPendingKey, writeMembership, writePendingKey, type NodeIdentity } from './node-files.ts';
import { fetchPinnedCa } from './pinned-ca.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

export interface MembershipRequest {
  /** `https://host:port` of the controller. */
  readonly url: string;
  /** `sha256:` and the hex SHA-256 of the CA's public key. */
  readonly caPin: string;
  readonly stateDir: string;
  readonly timeoutMs?: number | undefined;
}

const PIN = /^sha256:[0-9a-f]{64}$/i;
const DEFAULT_TIMEOUT_MS = 15_000;

const answerSchema = z.object({
  nodeId: z.string().max(64),
  nodeName: z.string().max(64),
  certificate: z.string().max(20_000),
  ca: z.string().max(20_000),
  grpcAddress: z.string().min(3).max(300),
});

/**
 * Requests a certificate with a token and stores the files of a member. The connection trusts the pinned CA only. When an earlier answer was
 * lost, its key is used again, because the token is valid for this key only.
 */
export async function obtainMembership(request: MembershipRequest, path: string, body: object): Promise<NodeIdentity> {
  const url = parseUrl(request.url);
  if (!PIN.test(request.caPin)) throw badPin();
  const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const ca = await fetchPinnedCa(url, request.caPin, timeoutMs);
  const { keyPem, csrPem } = await pendingKey(request.stateDir);
  const answer = await postToController(new URL(path, url), {
    ca,
    timeoutMs,
    body: { ...body, csr: csrPem },
    answer: answerSchema,
  });
  checkCertificate(answer, { keyPem, pin: request.caPin, url });
  const identity = {
    nodeId: answer.nodeId,
    nodeName: answer.nodeName,
    apiUrl: url.origin,
    grpcAddress: answer.grpcAddress,
  };
  await writeMembership(request.stateDir, { identity, key: keyPem, certificate: answer.certificate, ca: answer.ca });
  return identity;
}

/** The CA must be the pinned one. The certificate must be for our key and from this CA. @throws SLIP_JOIN_ANSWER */
export function checkCertificate(
  answer: { certificate: string; ca: string },
  own: { keyPem: string; pin: string; url: URL },
): void {
  try {
    const ca = new X509Certificate(answer.ca);
    const certificate = new X509Certificate(answer.certificate);
    const good =
      pinOf(ca) === own.pin.toLowerCase() &&
      certificate.verify(ca.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(own.keyPem));
    if (good) return;
  } catch (cause) {
    throw badAnswer(own.url, cause);
  }
  throw badAnswer(own.url, undefined);
}

async function pendingKey(stateDir: string): Promise<{ keyPem: string; csrPem: string }> {
  const existing = await readPendingKey(stateDir);
  if (existing !== undefined) return { keyPem: existing, csrPem: await requestFor(existing, 'node') };
  const fresh = await createKeyRequest('node');
  await writePendingKey(stateDir, fresh.keyPem);
  return fresh;
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
