/** Who can add TXT records to a DNS zone. */
export const DNS_PROVIDER_KINDS = ['acme-dns', 'nsupdate', 'exec', 'cloudflare', 'hetzner', 'digitalocean'] as const;
export type DnsProviderKind = (typeof DNS_PROVIDER_KINDS)[number];

/** TSIG algorithms (RFC 8945). */
export const TSIG_ALGORITHMS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512', 'hmac-sha224', 'hmac-sha1'] as const;

const RECORD_NAME = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z0-9](?:[a-z0-9-]{0,62})$/;

/** A host name that may also have underscores, lower case, without a dot at the end. */
export function isRecordName(text: string): boolean {
  return RECORD_NAME.test(text);
}

/** True for the zone itself, and for names below it. */
export function isInZone(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}
