import type { DnsProvider } from '../../domain/dns-providers.ts';
import type { ApiOptions } from './ask-api.ts';

/** What the drivers of hosted DNS have in common. */
export interface HostedDeps {
  readonly signal: AbortSignal;
  /** Tests have a server of their own. */
  readonly baseUrl?: string | undefined;
}

/** Seconds that resolvers may keep a record. */
export const RECORD_TTL_S = 60;

/** All of these APIs take the token in the same header (RFC 6750). */
export function withToken(
  { name: provider, secret }: DnsProvider,
  { signal, baseUrl }: HostedDeps,
  publicUrl: string,
): ApiOptions {
  const headers = { authorization: `Bearer ${secret?.reveal() ?? ''}` };
  return { provider, baseUrl: baseUrl ?? publicUrl, headers, signal };
}

/** The name within its zone, as these APIs want it. */
export function nameInZone(name: string, zone: string): string {
  return name === zone ? '@' : name.slice(0, -zone.length - 1);
}
