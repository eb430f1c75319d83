import { SlipwayError } from '../../../shared/kit/errors.ts';

/** @param what what happened, without secrets and without text of a foreign program */
export function providerFailed(provider: string, what: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DNS_PROVIDER',
    kind: 'transient',
    message: `The DNS provider ${provider} did not change the TXT record: ${what}.`,
    hint: 'See the providers with: slipway tls:dns. To change one, remove it and add it again.',
    cause,
  });
}
