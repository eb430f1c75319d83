import { z } from 'zod';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import { readIdentity, readNodeTls } from './node-files.ts';

/** The next start of the agent waits for this request, so a controller that does not answer must not delay it for long. */
const TIMEOUT_MS = 2_000;

/** Reports why this agent cannot start. An agent that did not start has no session, so this is a request of its own. Never rejects. */
export async function reportStartFailure(stateDir: string, error: unknown): Promise<void> {
  try {
    const identity = await readIdentity(stateDir);
    if (identity === undefined) return;
    const { key, certificate, ca } = await readNodeTls(stateDir);
    const { code, message, hint } = toSlipwayError(error);
    // Imported late: its HTTP client costs 24 MB of memory, and an agent that starts never needs it.
    const { postToController } = await import('./controller-post.ts');
    const body = { code, message, ...(hint === undefined ? {} : { hint }) };
    const url = new URL('/v1/node/trouble', identity.apiUrl);
    await postToController(url, { body, timeoutMs: TIMEOUT_MS, ca, own: { key, certificate }, answer: z.object({}) });
  } catch {
    // The controller is away or older. The journal of this machine has the reason.
  }
}
