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
 * A new key and certificate for this node, asked for with the present one and put in its place by one rename. The
 * controller honours both until the new one has been used, so a crash anywhere in between leaves a node that can connect.
 * @throws SLIP_JOIN_*, SLIP_NODE_FILES, or the controller's refusal
 */
export async function renewCertificate(of: RenewRequest, failpoint: Failpoint): Promise<void> {
  const present = await readNodeTls(of.stateDir);
  const { keyPem: key, csrPem } = await createKeyRequest('node');
  const url = new URL('/v1/node/certificate', of.apiUrl);
  const common = { ca: present.ca, timeoutMs: of.timeoutMs ?? DEFAULT_TIMEOUT_MS };
  await failpoint('renew.begun');
  const { certificate } = await postToController(url, {
    ...common,
    own: present,
    body: { csr: csrPem },
    answer: issuedSchema,
  });
  checkCertificate({ certificate, ca: present.ca }, { keyPem: key, pin: pinOf(new X509Certificate(present.ca)), url });
  await failpoint('renew.issued');
  await writeCredential(of.stateDir, { key, certificate });
  await failpoint('renew.written');
  const used = new URL('/v1/node/certificate/use', of.apiUrl);
  await postToController(used, { ...common, own: { key, certificate }, body: {}, answer: selfSchema });
  await failpoint('renew.used');
}
