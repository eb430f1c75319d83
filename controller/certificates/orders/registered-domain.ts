import { getDomain } from 'tldts';
import { withoutStar } from '../../domain/dns-providers.ts';

/** The part of a name that somebody registered, by the Public Suffix List. CAs count by it. Undefined: the name has no public suffix. */
export function registeredDomain(hostname: string): string | undefined {
  return getDomain(withoutStar(hostname), { allowPrivateDomains: true }) ?? undefined;
}
