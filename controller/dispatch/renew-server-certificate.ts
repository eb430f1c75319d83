import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Authority } from '../access/ca/authority.ts';
import type { Dispatch } from './create-dispatch.ts';

const CHECK_EVERY_MS = 60 * 60_000;

/** Keeps the server certificate of the agent port renewed. Open sessions keep the old certificate. Ends with the signal. */
export async function renewServerCertificate(
  parts: { readonly authority: Authority; readonly dispatch: Dispatch },
  deps: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const { authority, dispatch } = parts;
  for (;;) {
    await deps.clock.sleep(CHECK_EVERY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const { keyPem, certificatePem } = await authority.serverCredential();
      dispatch.renewTls({ key: keyPem, certificate: certificatePem, ca: authority.caPem });
    } catch (error) {
      deps.log.warn({ err: error }, 'dispatch.certificate_renewal_failed');
    }
  }
}
