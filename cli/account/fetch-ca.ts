import { findCaByPin } from '../../shared/kit/ca-pin.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

const TIMEOUT_MS = 10_000;

/**
 * The certificate (PEM) of the fleet's CA, by the pin of its public key.
 * @param pin `sha256:` and 64 hex digits
 * @throws SLIP_PIN_MISMATCH when the server shows no such CA; a transient SLIP_CONTROLLER_UNREACHABLE
 */
export async function fetchCaByPin(url: string, pin: string): Promise<string> {
  const ca = await findCaByPin(new URL(url), pin, TIMEOUT_MS).catch((cause: unknown) => {
    throw new SlipwayError({
      code: 'SLIP_CONTROLLER_UNREACHABLE',
      kind: 'transient',
      message: `There is no controller at ${new URL(url).origin}.`,
      hint: 'Check the address, that the controller runs, and that no firewall is between.',
      cause,
    });
  });
  if (ca !== undefined) return ca;
  throw new SlipwayError({
    code: 'SLIP_PIN_MISMATCH',
    message: `The server at ${url} is not the controller with this pin.`,
    hint: 'Compare address and pin with what slipway nodes:token prints; if both are right, somebody is in between.',
  });
}
