import { randomBytes } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import { parse } from 'tldts';
import type { Reason } from '../../../shared/domain/instance.ts';
import { needsDns, withoutStar } from '../../domain/dns-providers.ts';
import type { DnsChallenges } from '../dns/dns-challenges.ts';
import type { OpenAccount } from '../orders/accounts.ts';
import type { Preflight } from '../orders/steps.ts';
import { refuseByCaa, type CaaQuestion } from './caa.ts';
import {
  caaForbids,
  caaSilent,
  clockWrong,
  dnsSilent,
  foreignAddress,
  noAddress,
  notPublic,
  plainNode,
  privateAddress,
  tooManyAddresses,
} from './findings.ts';
import { probe, type ProbeResult } from './probe.ts';
import { DnsFailure, type NameResolver } from './resolver.ts';

export interface PreflightOptions {
  readonly resolver: NameResolver;
  /** Looks at the TXT record of DNS-01, for names that need it. */
  readonly dns: Pick<DnsChallenges, 'check'>;
  /** Where the CA asks: 80. Tests have another port. */
  readonly port?: number | undefined;
  /** A CA of a company may reach private addresses; the CAs of the internet do not. */
  readonly arePrivateAddressesAllowed: boolean;
  readonly signal: AbortSignal;
}

/** Slow name servers of one user must not keep the places of the orders of all users. */
const CAA_TIMEOUT_MS = 60_000;
const CLOCK_DIFFERENCE_MAX_MS = 5 * 60_000;
const ADDRESSES_MAX = 32;
const PRIVATE: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ...([
    ['0.0.0.0', 8, 'ipv4'],
    ['10.0.0.0', 8, 'ipv4'],
    ['100.64.0.0', 10, 'ipv4'],
    ['127.0.0.0', 8, 'ipv4'],
    ['192.0.0.0', 24, 'ipv4'],
    ['198.18.0.0', 15, 'ipv4'],
    ['224.0.0.0', 3, 'ipv4'],
  ] as const),
  ...([
    ['169.254.0.0', 16, 'ipv4'],
    ['172.16.0.0', 12, 'ipv4'],
    ['192.168.0.0', 16, 'ipv4'],
  ] as const),
  ...([
    ['::', 127, 'ipv6'],
    ['fc00::', 7, 'ipv6'],
    ['fe80::', 9, 'ipv6'],
    ['ff00::', 8, 'ipv6'],
  ] as const),
  // They contain an IPv4 address, which could be a private one.
  ...([
    ['64:ff9b::', 96, 'ipv6'],
    ['2002::', 16, 'ipv6'],
  ] as const),
];

/**
 * Looks at a name as a CA will, before the CA does, so that no failure is spent there: the name, the clock, every address, CAA, and what
 * each address answers. The first finding is the answer. When the signal aborts, there is no finding, and its reason is thrown.
 */
export function createPreflight(options: PreflightOptions): Preflight {
  return async (hostname, account) => {
    const finding = await check(hostname, account, options);
    options.signal.throwIfAborted();
    return finding;
  };
}

async function check(hostname: string, account: OpenAccount, options: PreflightOptions): Promise<Reason | undefined> {
  try {
    return (
      (options.arePrivateAddressesAllowed ? undefined : checkName(hostname)) ??
      (await checkClock(account)) ??
      (needsDns(hostname) ? await options.dns.check(hostname) : await checkAddresses(hostname, account, options)) ??
      (await checkCaa(hostname, account, options.resolver))
    );
  } catch (error) {
    if (error instanceof DnsFailure) return dnsSilent(hostname, error.reason);
    throw error;
  }
}

function checkName(hostname: string): Reason | undefined {
  const { isIcann, isPrivate, domain } = parse(withoutStar(hostname), { allowPrivateDomains: true });
  const isPublic = isIcann === true || isPrivate === true;
  return isPublic && domain !== null ? undefined : notPublic(hostname);
}

async function checkClock({ client }: OpenAccount): Promise<Reason | undefined> {
  const differenceMs = (await client.clockDifferenceMs()) ?? 0;
  return Math.abs(differenceMs) > CLOCK_DIFFERENCE_MAX_MS ? clockWrong(differenceMs) : undefined;
}

async function checkAddresses(
  hostname: string,
  { thumbprint }: OpenAccount,
  { resolver, port = 80, arePrivateAddressesAllowed, signal }: PreflightOptions,
): Promise<Reason | undefined> {
  // The CA uses IPv6 first, so a wrong IPv6 address is the first finding.
  const addresses = [...(await resolver.addresses(hostname, 6)), ...(await resolver.addresses(hostname, 4))];
  if (addresses.length === 0) return noAddress(hostname);
  if (addresses.length > ADDRESSES_MAX) return tooManyAddresses(hostname, ADDRESSES_MAX);
  const internal = arePrivateAddressesAllowed ? undefined : addresses.find(isPrivateAddress);
  if (internal !== undefined) return privateAddress(hostname, internal);
  const token = randomBytes(24).toString('base64url');
  const results = await Promise.all(
    addresses.map(async (address): Promise<{ readonly address: string; readonly result: ProbeResult }> => {
      return { address, result: await probe({ hostname, address, port, token, thumbprint, signal }) };
    }),
  );
  for (const { address, result } of results) {
    if (result.kind === 'foreign') return foreignAddress({ hostname, address, ...result });
    if (result.kind === 'plainOnly') return plainNode(hostname, address);
  }
  return undefined;
}

function isPrivateAddress(address: string): boolean {
  const list = new BlockList();
  for (const [network, prefix, family] of PRIVATE) list.addSubnet(network, prefix, family);
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** The nearest name up the tree that has CAA records decides (RFC 8659, 3). */
async function checkCaa(hostname: string, account: OpenAccount, resolver: NameResolver): Promise<Reason | undefined> {
  const identities = (await account.client.directory()).meta?.caaIdentities ?? [];
  const [identity] = identities;
  if (identity === undefined) return undefined;
  const isWildcard = needsDns(hostname);
  const method = isWildcard ? 'dns-01' : 'http-01';
  const question: CaaQuestion = { isWildcard, identities, accountUrl: account.url, method };
  const signal = AbortSignal.timeout(CAA_TIMEOUT_MS);
  const labels = withoutStar(hostname).split('.');
  for (const at of labels.keys()) {
    const zone = labels.slice(at).join('.');
    try {
      const records = await resolver.caa(zone, signal);
      if (records.length === 0) continue;
      const refusal = refuseByCaa(records, question);
      return refusal === undefined ? undefined : caaForbids({ hostname, zone, identity, ...refusal });
    } catch (error) {
      if (error instanceof DnsFailure) return caaSilent(hostname, zone, error.reason);
      throw error;
    }
  }
  return undefined;
}
