import { z } from 'zod';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import { askApi } from './ask-api.ts';
import { nameInZone, RECORD_TTL_S, withToken, type HostedDeps } from './hosted-api.ts';
import type { DnsDriver } from './port.ts';
import { providerFailed } from './provider-failed.ts';

const BASE_URL = 'https://api.hetzner.cloud/v1';
const rrset = z.object({ rrset: z.object({ records: z.array(z.object({ value: z.string() })).max(1_000) }) });

/** Needs a token of the Cloud project with the zone, for reading and writing (docs.hetzner.cloud, Zone RRSets). */
export function createHetzner(provider: DnsProvider, deps: HostedDeps): DnsDriver {
  const options = withToken(provider, deps, BASE_URL);
  const { recordZone } = provider;
  const pathOf = (name: string): string => `/zones/${recordZone}/rrsets/${nameInZone(name, recordZone)}/TXT`;
  /** Undefined: the name has no TXT records. */
  const read = async (name: string): Promise<readonly string[] | undefined> => {
    const { status, json } = await askApi(options, { method: 'GET', path: pathOf(name), accepts: [404] });
    if (status === 404) return undefined;
    const found = rrset.safeParse(json).data;
    if (found === undefined) throw providerFailed(provider.name, 'the records cannot be read');
    return found.rrset.records.map(({ value }) => value);
  };
  const change = async (action: 'add_records' | 'remove_records', name: string, body: object): Promise<void> => {
    await askApi(options, { method: 'POST', path: `${pathOf(name)}/actions/${action}`, body });
  };
  return {
    present: async (name, value) => {
      const known = await read(name);
      const record = { value: `"${value}"` };
      if (known?.includes(record.value) === true) return;
      // A set that exists has a TTL, and another one is refused.
      await change('add_records', name, { records: [record], ...(known === undefined ? { ttl: RECORD_TTL_S } : {}) });
    },
    cleanup: async (name, value) => {
      const record = { value: `"${value}"` };
      if ((await read(name))?.includes(record.value) === true)
        await change('remove_records', name, { records: [record] });
    },
  };
}
