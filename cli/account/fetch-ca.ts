import { findCaByPin } from '../../shared/kit/ca-pin.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

const TIMEOUT_MS = 10_000;

/**
 * Fetches the certificate (PEM) of the fleet's CA and checks it against the pin of its public key.
 * @param pin `sha256:` and 64 hex digits
 * @throws SLIP_PIN_MISMATCH when the server shows no such CA; a transient SLIP_CONTROLLER_UNREACHABLE
 */
export async function fetchCaByPin(url: string, pin: string): Promise<string> {
  const ca = await findCaByPin(new URL(url), pin, TIMEOUT_MS).catch((cause: unknown) => {
    throw new SlipwayError({
      code: 'SLIP_CONTROLLER_UNREACHABLE',
      kind: 'transient',
      message: `No controller answers at ${new URL(url).origin}.`,
      hint: 'Check the address, that the controller runs, and that no firewall blocks the connection.',
      cause,
    });
  });
  if (ca !== undefined) return ca;
  throw new SlipwayError({
    code: 'SLIP_PIN_MISMATCH',
    message: `The server at ${url} is not the controller with this pin.`,
    hint: 'Compare the address and the pin with the output of slipway nodes:token. If both are right, somebody intercepts the connection.',
  });
}
