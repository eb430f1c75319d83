import { findCaByPin } from '../../shared/kit/ca-pin.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** The CA with this fingerprint, from the controller. @throws SLIP_JOIN_PIN when the server has another CA, SLIP_JOIN_UNREACHABLE */
export async function fetchPinnedCa(url: URL, pin: string, timeoutMs: number): Promise<string> {
  const ca = await findCaByPin(url, pin, timeoutMs).catch((cause: unknown) => {
    throw unreachable(url, cause);
  });
  if (ca !== undefined) return ca;
  throw new SlipwayError({
    code: 'SLIP_JOIN_PIN',
    message: `The server at ${url.host} is not the controller of this token: its CA has another fingerprint.`,
    hint: 'Check the address and copy the whole join command again from: slipway nodes:token. Nothing secret was sent.',
  });
}

export function unreachable(url: URL, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_JOIN_UNREACHABLE',
    kind: 'transient',
    message: `The controller at ${url.host} cannot be reached.`,
    hint: 'Check that the controller runs, that the address is right, and that no firewall is in between; then join again.',
    cause,
  });
}
