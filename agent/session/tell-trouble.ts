import { z } from 'zod';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import { readIdentity, readNodeTls } from './node-files.ts';

/** The next start waits for this: a controller that does not answer must not keep apps from their machine. */
const TIMEOUT_MS = 2_000;

/** Without a session, because there is no agent to have one: why this one cannot start. Nobody needs to hear it. */
export async function tellStartFailed(stateDir: string, error: unknown): Promise<void> {
  try {
    const identity = await readIdentity(stateDir);
    if (identity === undefined) return;
    const { key, certificate, ca } = await readNodeTls(stateDir);
    const { code, message, hint } = toSlipwayError(error);
    // Late: its HTTP stack costs 24 MB, which an agent that starts never needs.
    const { postToController } = await import('./controller-post.ts');
    const body = { code, message, ...(hint === undefined ? {} : { hint }) };
    const url = new URL('/v1/node/trouble', identity.apiUrl);
    await postToController(url, { body, timeoutMs: TIMEOUT_MS, ca, own: { key, certificate }, answer: z.object({}) });
  } catch {
    // The controller is away, or older than this: the journal has it.
  }
}
