import { z } from 'zod';
import { isRecordName } from '../../../shared/domain/dns-provider.ts';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import { askApi } from './ask-api.ts';
import type { DnsDriver } from './port.ts';
import { providerFailed } from './provider-failed.ts';

/** An account at an acme-dns server (github.com/joohoi/acme-dns), as `/register` gives it. */
export const acmeDnsAccount = z.object({
  username: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  password: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  subdomain: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  fulldomain: z.string().refine(isRecordName),
});
export type AcmeDnsAccount = z.output<typeof acmeDnsAccount>;

/** acme-dns keeps the last two values of its one name, so it needs no removal. */
export function createAcmeDns({ name: provider, settings, secret }: DnsProvider, signal: AbortSignal): DnsDriver {
  const { server = '', username = '', subdomain = '', fulldomain = '' } = settings;
  const headers = { 'x-api-user': username, 'x-api-key': secret?.reveal() ?? '' };
  return {
    aliasTarget: fulldomain,
    present: async (_, txt) => {
      const options = { provider, baseUrl: server, headers, signal };
      await askApi(options, { method: 'POST', path: '/update', body: { subdomain, txt } });
    },
    cleanup: () => Promise.resolve(),
  };
}

/** @throws SLIP_DNS_PROVIDER */
export async function registerAcmeDns(provider: string, server: string, signal: AbortSignal): Promise<AcmeDnsAccount> {
  const options = { provider, baseUrl: server, headers: {}, signal };
  const { json } = await askApi(options, { method: 'POST', path: '/register', body: {} });
  const account = acmeDnsAccount.safeParse(json);
  if (!account.success) throw providerFailed(provider, 'the answer of the acme-dns server is not an account');
  return account.data;
}
