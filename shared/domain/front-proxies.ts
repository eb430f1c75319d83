import { SlipwayError } from '../kit/errors.ts';
import { containsNetwork, parseNetwork, showNetwork, startOf, type IpNetwork } from './ip-network.ts';
import { quoteInput } from './names.ts';

/** Most entries of one list. `cloudflare` is one entry. */
export const FRONTS_MAX = 100;

/** Most networks of one list in the route table, where names are replaced by their networks. */
export const FRONTS_SENT_MAX = 500;

/** The networks from which Cloudflare sends requests (https://www.cloudflare.com/ips/), as they were on this day. */
export const CLOUDFLARE = {
  name: 'cloudflare',
  listedOn: '2026-02-11',
  networks: [
    ...['173.245.48.0/20', '103.21.244.0/22', '103.22.200.0/22', '103.31.4.0/22', '141.101.64.0/18'],
    ...['108.162.192.0/18', '190.93.240.0/20', '188.114.96.0/20', '197.234.240.0/22', '198.41.128.0/17'],
    ...['162.158.0.0/15', '104.16.0.0/13', '104.24.0.0/14', '172.64.0.0/13', '131.0.72.0/22'],
    ...['2400:cb00::/32', '2606:4700::/32', '2803:f800::/32', '2405:b500::/32', '2405:8100::/32'],
    ...['2a06:98c0::/29', '2c0f:f248::/32'],
  ],
} as const;

/** A shorter prefix is larger than any network that one operator has. */
const PREFIX_MIN = { 4: 8, 6: 16 } as const;
/** Private IPv6 addresses, which an operator may trust as a whole. */
const PRIVATE_IPV6: IpNetwork = { family: 6, address: 0xfcn << 120n, prefix: 7 };
/** IPv4 addresses as IPv6 addresses. No connection has one. */
const MAPPED_IPV4: IpNetwork = { family: 6, address: 0xffffn << 32n, prefix: 96 };

const HINT = 'Write an address such as 203.0.113.7, a network such as 10.0.5.0/24, or cloudflare.';

/** The one form of an entry: `cloudflare`, an address, or a network. @throws SLIP_TRUST_CIDR */
export function parseFront(text: string): string {
  const word = text.trim().toLowerCase();
  if (word === CLOUDFLARE.name) return word;
  const parsed = parseNetwork(word);
  if (parsed === undefined) throw refused(text, 'It is neither an address nor a network.', HINT);
  const network = startOf(parsed);
  if (network.prefix === 0) {
    const why =
      'That is the whole internet: every client could then choose the address and the protocol that apps see.';
    throw refused(text, why, 'Name only the front proxies. Nobody is trusted after: slipway proxy:trust off');
  }
  if (isTooLarge(network)) {
    const why = `It is larger than a /${String(PREFIX_MIN[network.family])}, so it has addresses of strangers.`;
    throw refused(text, why, 'Name only the addresses of the front proxies.');
  }
  if (containsNetwork(MAPPED_IPV4, network)) {
    throw refused(text, 'It is an IPv4 address in the form of IPv6.', 'Write the IPv4 address, such as 203.0.113.7.');
  }
  if (network.address !== parsed.address) {
    const [one, all] = [showNetwork({ ...parsed, prefix: parsed.family === 4 ? 32 : 128 }), showNetwork(network)];
    throw refused(
      text,
      'It is not the start of a network.',
      `Write ${one} for the address, or ${all} for the network.`,
    );
  }
  return showNetwork(network);
}

/** True for an address or a network in the form of {@link parseFront}. */
export function isFront(text: string): boolean {
  const parsed = parseNetwork(text);
  return parsed !== undefined && !isTooLarge(parsed) && showNetwork(startOf(parsed)) === text;
}

/** Addresses and networks, with the networks that a name stands for. Sorted, each once. */
export function networksOf(entries: readonly string[]): readonly string[] {
  const all = entries.flatMap((entry) => (entry === CLOUDFLARE.name ? [...CLOUDFLARE.networks] : [entry]));
  return [...new Set(all)].sort();
}

/** True when one of the networks has the address. */
export function isInNetworks(address: string, networks: readonly string[]): boolean {
  const one = parseNetwork(address);
  if (one === undefined) return false;
  return networks.some((text) => {
    const network = parseNetwork(text);
    return network !== undefined && containsNetwork(network, one);
  });
}

function isTooLarge(network: IpNetwork): boolean {
  return network.prefix < PREFIX_MIN[network.family] && !containsNetwork(PRIVATE_IPV6, network);
}

function refused(text: string, why: string, hint: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TRUST_CIDR',
    httpStatus: 422,
    message: `${quoteInput(text)} cannot be trusted as a front proxy. ${why}`,
    hint,
  });
}
