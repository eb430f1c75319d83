import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { pinOf } from '../../shared/kit/ca-pin.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import { postToController } from './controller-post.ts';
import { createKeyRequest } from './key-request.ts';
import { checkCertificate } from './membership.ts';
import { readNodeTls, writeCredential } from './node-files.ts';

export interface RenewRequest {
  /** `https://host:port` of the controller. */
  readonly apiUrl: string;
  readonly stateDir: string;
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const issuedSchema = z.object({ certificate: z.string().max(20_000) });
const selfSchema = z.object({ nodeId: z.string() });

/**
 * Requests a new certificate for a new key with the present certificate, and replaces both files by one rename. The controller accepts both
 * certificates until the new one is used, so after a crash at any moment the node can connect.
 * @throws SLIP_JOIN_*, SLIP_NODE_FILES, or the error of the controller
 */
export async function renewCertificate(request: RenewRequest, failpoint: Failpoint): Promise<void> {
  const present = await readNodeTls(request.stateDir);
  const { keyPem: key, csrPem } = await createKeyRequest('node');
  const url = new URL('/v1/node/certificate', request.apiUrl);
  const common = { ca: present.ca, timeoutMs: request.timeoutMs ?? DEFAULT_TIMEOUT_MS };
  await failpoint('renew.begun');
  const { certificate } = await postToController(url, {
    ...common,
    own: present,
    body: { csr: csrPem },
    answer: issuedSchema,
  });
  checkCertificate({ certificate, ca: present.ca }, { keyPem: key, pin: pinOf(new X509Certificate(present.ca)), url });
  await failpoint('renew.issued');
  await writeCredential(request.stateDir, { key, certificate });
  await failpoint('renew.written');
  const used = new URL('/v1/node/certificate/use', request.apiUrl);
  await postToController(used, { ...common, own: { key, certificate }, body: {}, answer: selfSchema });
  await failpoint('renew.used');
}
