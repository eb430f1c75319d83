import { SlipwayError } from '../kit/errors.ts';
import { isIpv4 } from './ipv4.ts';
import { quoteInput, type AppName } from './names.ts';

/** Private networks that sandboxes may open connections to. An operator sets them. They are not secret. */
export interface EgressTable {
  /** For the builds and instances of every app. IPv4 networks, e.g. `10.0.5.0/24`. */
  readonly fleet: readonly string[];
  readonly apps: readonly AppEgress[];
}

/** For the builds and instances of one app, in addition to the networks of the fleet. */
export interface AppEgress {
  readonly app: AppName;
  /** Names the app's sandboxes. Another app may get the name of a destroyed app while sandboxes of that app still run. */
  readonly uidBase: number;
  readonly cidrs: readonly string[];
}

export const NO_EGRESS: EgressTable = Object.freeze({ fleet: [], apps: [] });

/** Most networks of one list. Each of them is a rule on every node, for every instance of the app. */
export const EGRESS_LIST_MAX = 50;
/** Most networks of all lists together. The whole table is one message, which 5000 networks fill to less than a tenth. */
export const EGRESS_TOTAL_MAX = 5_000;
/** A shorter prefix is larger than any private network. */
const PREFIX_MIN = 8;

/** Networks that no list can open, and their description for messages. The node refuses them too. */
const NEVER: readonly (readonly [cidr: string, what: string])[] = [
  ['0.0.0.0/8', 'this host'],
  ['127.0.0.0/8', 'the loopback network'],
  ['169.254.0.0/16', 'the link-local network, where clouds provide credentials of the machine'],
  ['168.63.129.16/32', 'an address at which a cloud provides credentials of the machine'],
  ['100.100.100.200/32', 'an address at which a cloud provides credentials of the machine'],
  ['192.0.0.192/32', 'an address at which a cloud provides credentials of the machine'],
  ['224.0.0.0/4', 'the multicast network'],
  ['240.0.0.0/4', 'a reserved network'],
];

export const NEVER_OPENED: readonly string[] = NEVER.map(([cidr]) => cidr);

interface Network {
  readonly base: number;
  readonly prefix: number;
}

/**
 * The canonical form of a network. An address becomes a network of one address.
 * @throws SLIP_EGRESS_CIDR, SLIP_EGRESS_NEVER
 */
export function parseEgressCidr(text: string): string {
  const { address, prefix } = parseNetwork(text);
  const network = { base: startOf(numberOf(address), prefix), prefix };
  if (prefix < PREFIX_MIN)
    throw invalidNetwork(
      text,
      `It is larger than a /${String(PREFIX_MIN)}.`,
      'Name only the private network, e.g. 10.0.5.0/24.',
    );
  if (network.base !== numberOf(address))
    throw invalidNetwork(
      text,
      'It is neither an address nor the start of a network.',
      `Write ${address} for the address, or ${show(network)} for the network.`,
    );
  const never = NEVER.find(([cidr]) => overlaps(networkOf(cidr), network));
  if (never !== undefined) throw neverOpened(show(network), `${never[0]} is ${never[1]}`);
  return show(network);
}

function parseNetwork(text: string): { readonly address: string; readonly prefix: number } {
  const [address = '', prefix = '32', more] = text.trim().split('/');
  if (address.includes(':'))
    throw invalidNetwork(
      text,
      'Sandboxes have no IPv6.',
      'Name the IPv4 network of the same machines, e.g. 10.0.5.0/24.',
    );
  const isNetwork = isIpv4(address) && /^\d{1,2}$/.test(prefix) && Number(prefix) <= 32 && more === undefined;
  if (!isNetwork)
    throw invalidNetwork(
      text,
      'It is not an IPv4 network.',
      'Write an address such as 10.0.5.9, or a network such as 10.0.5.0/24.',
    );
  return { address, prefix: Number(prefix) };
}

/** True when every address of `inner` is in `outer`. Both in the form of {@link parseEgressCidr}. */
export function contains(outer: string, inner: string): boolean {
  const [large, small] = [networkOf(outer), networkOf(inner)];
  return large.prefix <= small.prefix && startOf(small.base, large.prefix) === large.base;
}

/** The list without networks that another network of the list contains. Packet filters refuse such pairs in one set. */
export function withoutNested(cidrs: readonly string[]): readonly string[] {
  const unique = [...new Set(cidrs)].sort();
  return unique.filter((cidr) => !unique.some((other) => other !== cidr && contains(other, cidr)));
}

export function neverOpened(cidr: string, why: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_EGRESS_NEVER',
    httpStatus: 422,
    message: `No sandbox may reach ${cidr}: ${why}.`,
    hint: 'Name a network without it. See what is open with: slipway egress',
  });
}

function invalidNetwork(text: string, why: string, hint: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_EGRESS_CIDR',
    httpStatus: 422,
    message: `${quoteInput(text)} cannot be opened. ${why}`,
    hint,
  });
}

function overlaps(a: Network, b: Network): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  return startOf(a.base, prefix) === startOf(b.base, prefix);
}

function networkOf(cidr: string): Network {
  const [address = '', prefix = '32'] = cidr.split('/');
  return { base: startOf(numberOf(address), Number(prefix)), prefix: Number(prefix) };
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function startOf(address: number, prefix: number): number {
  return address - (address % 2 ** (32 - prefix));
}

function show({ base, prefix }: Network): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256);
  return `${octets.join('.')}/${String(prefix)}`;
}
