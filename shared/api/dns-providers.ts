import { z } from 'zod';
import { DNS_PROVIDER_KINDS } from '../domain/dns-provider.ts';
import type { RouteSpec } from './route-spec.ts';
import { list, textRecord, wordOf } from './schema.ts';

/** Credentials are never shown. */
const providerBody = z.object({
  name: z.string(),
  kind: wordOf(DNS_PROVIDER_KINDS),
  /** It is used for this domain and all names below it. */
  zone: z.string(),
  /** The zone that has the TXT records. */
  recordZone: z.string(),
  settings: textRecord,
  createdAtMs: z.number(),
  /** TXT records that it may have now: those of open orders, and those that it could not remove yet. */
  records: z.number(),
});
export type DnsProviderBody = z.output<typeof providerBody>;

const addedBody = providerBody.extend({
  /** For acme-dns: `_acme-challenge` of each domain must be an alias of this name. */
  aliasTarget: z.string().optional(),
});
export type DnsProviderAddedBody = z.output<typeof addedBody>;

const removedBody = z.object({
  name: z.string(),
  /** TXT records that remain in the DNS. */
  left: list(z.object({ name: z.string(), value: z.string() })),
});
export type DnsProviderRemovedBody = z.output<typeof removedBody>;

const NAME_CHARACTERS_MAX = 253;

export const dnsProviderSpecs = {
  listDnsProviders: {
    method: 'GET',
    path: '/tls/dns',
    summary: 'List the DNS providers, which add TXT records so that wildcards get certificates.',
    answer: z.object({ providers: list(providerBody) }),
  },
  addDnsProvider: {
    method: 'POST',
    path: '/tls/dns',
    summary:
      'Add a DNS provider for a zone. A TXT record is added and removed as a test; if this fails, nothing is stored.',
    body: z.strictObject({
      name: z.string().max(64),
      kind: z.enum(DNS_PROVIDER_KINDS),
      zone: z.string().max(NAME_CHARACTERS_MAX),
      recordZone: z.string().max(NAME_CHARACTERS_MAX).optional(),
      /** acme-dns: its address. nsupdate: HOST or HOST:PORT. */
      server: z.string().max(300).optional(),
      /** nsupdate. */
      keyName: z.string().max(NAME_CHARACTERS_MAX).optional(),
      algorithm: z.string().max(20).optional(),
      /** exec: a file in the folder of such programs on the controller. */
      program: z.string().max(64).optional(),
      /** nsupdate: the TSIG secret. acme-dns: an account as JSON; absent: the server gives one. Hosted DNS: an API token. */
      secret: z.string().max(2_000).optional(),
    }),
    answer: addedBody,
  },
  removeDnsProvider: {
    method: 'DELETE',
    path: '/tls/dns/:provider',
    summary: 'Remove a DNS provider. Certificates that need it are not renewed any more.',
    answer: removedBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
