import { z } from 'zod';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import { askApi } from './ask-api.ts';
import { nameInZone, RECORD_TTL_S, withToken, type HostedDeps } from './hosted-api.ts';
import type { DnsDriver } from './port.ts';
import { providerFailed } from './provider-failed.ts';

const BASE_URL = 'https://api.digitalocean.com/v2';
const records = z.object({
  domain_records: z.array(z.object({ id: z.number().int(), data: z.string() })).max(1_000),
});

/** Needs a token with the scopes domain:read, domain:create and domain:delete (docs.digitalocean.com, Domain Records). */
export function createDigitalOcean(provider: DnsProvider, deps: HostedDeps): DnsDriver {
  const options = withToken(provider, deps, BASE_URL);
  const { recordZone } = provider;
  const path = `/domains/${recordZone}/records`;
  /** The API filters by the full name, and makes records by the name within the zone. */
  const find = async (name: string, value: string): Promise<readonly number[]> => {
    const { json } = await askApi(options, { method: 'GET', path: `${path}?type=TXT&name=${name}&per_page=200` });
    const found = records.safeParse(json).data;
    if (found === undefined) throw providerFailed(provider.name, 'the list of records cannot be read');
    return found.domain_records.filter(({ data }) => data === value).map(({ id }) => id);
  };
  return {
    present: async (name, value) => {
      if ((await find(name, value)).length > 0) return;
      const body = { type: 'TXT', name: nameInZone(name, recordZone), data: value, ttl: RECORD_TTL_S };
      await askApi(options, { method: 'POST', path, body });
    },
    cleanup: async (name, value) => {
      for (const id of await find(name, value)) {
        await askApi(options, { method: 'DELETE', path: `${path}/${String(id)}`, accepts: [404] });
      }
    },
  };
}
