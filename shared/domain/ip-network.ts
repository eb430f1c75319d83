import { isIpv4 } from './ipv4.ts';

/** An address, or a network of addresses. */
export interface IpNetwork {
  readonly family: 4 | 6;
  /** As a number. */
  readonly address: bigint;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;
const GROUPS = 8;

/** `undefined` for a text that is neither. Bits behind the prefix may be set. */
export function parseNetwork(text: string): IpNetwork | undefined {
  const [host = '', prefix, more] = text.split('/');
  if (more !== undefined) return undefined;
  const parsed = parseAddress(host);
  if (parsed === undefined) return undefined;
  const bits = BITS[parsed.family];
  if (prefix === undefined) return { ...parsed, prefix: bits };
  return /^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= bits
    ? { ...parsed, prefix: Number(prefix) }
    : undefined;
}

/** The network with its first address. */
export function startOf({ family, address, prefix }: IpNetwork): IpNetwork {
  const rest = BigInt(BITS[family] - prefix);
  return { family, address: (address >> rest) << rest, prefix };
}

/** True when every address of `inner` is in `outer`. */
export function containsNetwork(outer: IpNetwork, inner: IpNetwork): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  const rest = BigInt(BITS[outer.family] - outer.prefix);
  return outer.address >> rest === inner.address >> rest;
}

/** One text for one network: an address without a prefix, or `10.0.5.0/24`, or `2001:db8::/32` (RFC 5952). */
export function showNetwork({ family, address, prefix }: IpNetwork): string {
  const host = family === 4 ? showIpv4(address) : showIpv6(address);
  return prefix === BITS[family] ? host : `${host}/${String(prefix)}`;
}

function parseAddress(text: string): Pick<IpNetwork, 'family' | 'address'> | undefined {
  if (isIpv4(text)) return { family: 4, address: ipv4Number(text) };
  return isIpv6(text) ? { family: 6, address: ipv6Number(text) } : undefined;
}

/** The parser of URLs knows each form of an address, but also ports and paths, so it gets only these characters. */
function isIpv6(text: string): boolean {
  return /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`);
}

function ipv4Number(text: string): bigint {
  return text.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
}

/** @param text a valid address, which may end like an IPv4 address */
function ipv6Number(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: GROUPS - front.length - back.length }, () => 0n);
  return [...front, ...zeros, ...back].reduce((sum, group) => (sum << 16n) + group, 0n);
}

function groupsOf(text: string): readonly bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const number = ipv4Number(group);
    return [number >> 16n, number & 0xffffn];
  });
}

function showIpv4(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 0xffn)).join('.');
}

/** The first longest run of zeros, of at least two groups, is `::`. */
function showIpv6(address: bigint): string {
  const groups = Array.from({ length: GROUPS }, (_, at) =>
    ((address >> BigInt(16 * (GROUPS - 1 - at))) & 0xffffn).toString(16),
  );
  let [start, length] = [0, 0];
  for (let at = 0; at < GROUPS; at += 1) {
    const end = groups.findIndex((group, index) => index >= at && group !== '0');
    const run = (end < 0 ? GROUPS : end) - at;
    if (run > length) [start, length] = [at, run];
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
