import { addressAt, type Cidr } from '../config.ts';

export interface NetworkNames {
  readonly bridge: string;
  readonly subnet: Cidr;
}

export function gatewayAddress(subnet: Cidr): string {
  return addressAt(subnet, 1);
}

/** A fixed, locally administered address that depends on the name only, so neighbour entries stay valid when ports change. */
export function bridgeMac(bridge: string): string {
  let hash = 0;
  for (const char of bridge) hash = (hash * 31 + char.charCodeAt(0)) % 2 ** 32;
  return macAddress('02:5c', hash);
}

/**
 * MAC of the interface with a slot's address. It depends on the slot only. The host's neighbour entry is permanent, so an address that is used
 * again must have the same MAC as before.
 */
export function slotMac(slot: number): string {
  return macAddress('02:5d', slot);
}

function macAddress(prefix: string, number: number): string {
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256);
  return [prefix, ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** `ip -batch` lines for a bridge that always has a carrier: one permanent port, whose other end is the bridge's as well. */
export function bridgeBatch(names: NetworkNames): string[] {
  const { bridge } = names;
  return [
    `link add ${bridge} address ${bridgeMac(bridge)} type bridge forward_delay 0`,
    `link set ${bridge} addrgenmode none`,
    `link add ${bridge}-p0 type veth peer name ${bridge}-p1`,
    `link set ${bridge}-p0 addrgenmode none master ${bridge} up`,
    `link set ${bridge}-p0 type bridge_slave isolated on`,
    `link set ${bridge}-p1 addrgenmode none up`,
    `addr add ${gatewayAddress(names.subnet)}/${String(names.subnet.prefix)} dev ${bridge}`,
    `link set ${bridge} up`,
  ];
}

export function netnsName(names: NetworkNames, slot: number): string {
  return `${names.bridge}-${String(slot)}`;
}

/** The slot in a namespace's name, `undefined` when it is not one of ours. */
export function slotOf(names: NetworkNames, netns: string): number | undefined {
  const rest = netns.startsWith(`${names.bridge}-`) ? netns.slice(names.bridge.length + 1) : '';
  return /^\d{1,8}$/.test(rest) ? Number(rest) : undefined;
}

export function slotAddress(names: NetworkNames, slot: number): string {
  return addressAt(names.subnet, slot);
}

/** First slot after the gateway and last before broadcast. */
export function slotRange(subnet: Cidr): { first: number; last: number } {
  return { first: 2, last: 2 ** (32 - subnet.prefix) - 2 };
}

/** The next free slot after the last one, so that an address is not reused immediately. `undefined` if all are taken. */
export function nextSlot(subnet: Cidr, taken: ReadonlySet<number>, after: number): number | undefined {
  const { first, last } = slotRange(subnet);
  const count = last - first + 1;
  const start = after < first || after >= last ? first : after + 1;
  for (let step = 0; step < count; step += 1) {
    const slot = first + ((start - first + step) % count);
    if (!taken.has(slot)) return slot;
  }
  return undefined;
}

/** Host side of one namespace. A `veth` name is never used twice, because the kernel frees it with a delay. */
export function netnsHostBatch(names: NetworkNames, slot: number, veth: string): string[] {
  return [`netns add ${netnsName(names, slot)}`, ...cableBatch(names, slot, veth)];
}

/** Connects a namespace with the bridge, and adds the host's neighbour entry, which is permanent and needs no ARP. */
export function cableBatch(names: NetworkNames, slot: number, veth: string): string[] {
  const netns = netnsName(names, slot);
  const cable = `link add ${veth} type veth peer name eth0 address ${slotMac(slot)} netns ${netns}`;
  return [cable, `link set ${veth} alias ${netns}`, ...plugBatch(names, veth), neighbourLine(names, slot)];
}

/** The kernel does not count permanent entries, and removes them only together with the bridge. */
export function neighbourLine(names: NetworkNames, slot: number): string {
  return `neigh replace ${slotAddress(names, slot)} lladdr ${slotMac(slot)} dev ${names.bridge} nud permanent`;
}

export function plugBatch(names: NetworkNames, veth: string): string[] {
  return [
    `link set ${veth} addrgenmode none master ${names.bridge} up`,
    `link set ${veth} type bridge_slave isolated on`,
  ];
}

/** The inside of a namespace: a point-to-point address, whose only neighbour is the gateway. The default route comes last. */
export function netnsInsideBatch(names: NetworkNames, slot: number): string[] {
  const gateway = gatewayAddress(names.subnet);
  return [
    'link set lo up',
    'link set eth0 addrgenmode none up',
    `addr add ${slotAddress(names, slot)}/32 dev eth0`,
    `neigh replace ${gateway} lladdr ${bridgeMac(names.bridge)} dev eth0 nud permanent`,
    `route add ${gateway} dev eth0 scope link`,
    `route add default via ${gateway}`,
  ];
}

/**
 * nft rules in the namespace. The kernel has one neighbour table for the whole machine. Each address to which a packet goes without a gateway
 * takes an entry: multicast, and packets of sockets that bypass routing. These rules drop such packets before that.
 */
export function netnsRules(names: NetworkNames): string {
  return [
    'table inet slipway',
    'delete table inet slipway',
    'table inet slipway {',
    '  chain output {',
    '    type filter hook output priority 0; policy accept;',
    '    oifname "lo" accept',
    '    meta nfproto ipv6 drop',
    `    rt ip nexthop != ${gatewayAddress(names.subnet)} drop`,
    '  }',
    '}',
    '',
  ].join('\n');
}
