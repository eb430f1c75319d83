import { z } from 'zod';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import { askApi } from './ask-api.ts';
import { RECORD_TTL_S, withToken, type HostedDeps } from './hosted-api.ts';
import type { DnsDriver } from './port.ts';
import { providerFailed } from './provider-failed.ts';

const BASE_URL = 'https://api.cloudflare.com/client/v4';
const ID = z.string().regex(/^[A-Za-z0-9]{1,64}$/);
const zones = z.object({ result: z.array(z.object({ id: ID })).max(100) });
const records = z.object({ result: z.array(z.object({ id: ID, content: z.string() })).max(1_000) });

/** Needs a token with the permission Zone / DNS / Edit for the zone (developers.cloudflare.com/api, DNS Records). */
export function createCloudflare(provider: DnsProvider, deps: HostedDeps): DnsDriver {
  const options = withToken(provider, deps, BASE_URL);
  const zonePath = async (): Promise<string> => {
    const { json } = await askApi(options, { method: 'GET', path: `/zones?name=${provider.recordZone}` });
    const [zone] = zones.safeParse(json).data?.result ?? [];
    if (zone !== undefined) return `/zones/${zone.id}/dns_records`;
    throw providerFailed(provider.name, `the token sees no zone ${provider.recordZone} at Cloudflare`);
  };
  const find = async (path: string, name: string, value: string): Promise<readonly string[]> => {
    const { json } = await askApi(options, { method: 'GET', path: `${path}?type=TXT&name=${name}&per_page=100` });
    const found = records.safeParse(json).data;
    if (found === undefined) throw providerFailed(provider.name, 'the list of records cannot be read');
    return found.result.filter(({ content }) => content === value || content === `"${value}"`).map(({ id }) => id);
  };
  return {
    present: async (name, value) => {
      const path = await zonePath();
      if ((await find(path, name, value)).length > 0) return;
      const body = { type: 'TXT', name, content: `"${value}"`, ttl: RECORD_TTL_S };
      await askApi(options, { method: 'POST', path, body });
    },
    cleanup: async (name, value) => {
      const path = await zonePath();
      for (const id of await find(path, name, value)) {
        await askApi(options, { method: 'DELETE', path: `${path}/${id}`, accepts: [404] });
      }
    },
  };
}
