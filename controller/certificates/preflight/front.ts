import { randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';
import { CLOUDFLARE, isInNetworks } from '../../../shared/domain/front-proxies.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import { flexibleFront, untrustedFront } from './findings.ts';
import { DnsFailure, type NameResolver } from './resolver.ts';

export interface FrontOptions {
  readonly resolver: Pick<NameResolver, 'addresses'>;
  /** Addresses and networks whose forwarding headers the nodes accept. */
  readonly trusted: () => Promise<readonly string[]>;
  /** Tests have another port, and other addresses. */
  readonly port?: number | undefined;
  readonly cloudflare?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 5_000;
const HTTPS_PORT = 443;

/** Finds out whether Cloudflare is before a name, and whether visitors who use HTTPS reach the nodes over HTTPS. */
export function createFrontLook(options: FrontOptions): (hostname: string) => Promise<Reason | undefined> {
  const { resolver, trusted, port = HTTPS_PORT, cloudflare = CLOUDFLARE.networks, signal } = options;
  return async (hostname) => {
    if (hostname.startsWith('*.')) return undefined;
    const address = (await addressesOf(resolver, hostname)).find((one) => isInNetworks(one, cloudflare));
    if (address === undefined) return undefined;
    const isTrusted = isInNetworks(address, await trusted());
    const scheme = await schemeBehind({ hostname, address, port, signal });
    if (scheme === 'http') return flexibleFront(hostname, isTrusted);
    return isTrusted ? undefined : untrustedFront(hostname);
  };
}

async function addressesOf(resolver: FrontOptions['resolver'], hostname: string): Promise<readonly string[]> {
  try {
    return [...(await resolver.addresses(hostname, 4)), ...(await resolver.addresses(hostname, 6))];
  } catch (error) {
    if (error instanceof DnsFailure) return [];
    throw error;
  }
}

interface Target {
  readonly hostname: string;
  readonly address: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

/** Asks over HTTPS for a challenge, and reads the scheme in which the request reached the node. Undefined: no node answered. */
async function schemeBehind({ hostname, address, port, signal }: Target): Promise<string | undefined> {
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS, rejectUnauthorized: false, servername: hostname },
    headersTimeout: TIMEOUT_MS,
  });
  const host = address.includes(':') ? `[${address}]` : address;
  const token = randomBytes(24).toString('base64url');
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const url = `https://${host}:${String(port)}/.well-known/acme-challenge/${token}`;
    const { headers } = await request(url, { dispatcher: agent, signal: limit, headers: { host: hostname } });
    return [headers['x-slipway-scheme']].flat()[0];
  } catch {
    return undefined; // the other checks name addresses that do not answer
  } finally {
    await agent.destroy();
  }
}
