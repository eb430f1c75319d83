import { getDomain } from 'tldts';

/** The part of a name that somebody registered, by the Public Suffix List. CAs count by it. Undefined: the name has no public suffix. */
export function registeredDomain(hostname: string): string | undefined {
  return getDomain(hostname, { allowPrivateDomains: true }) ?? undefined;
}
