import { NEVER_OPENED } from '../../../shared/domain/egress.ts';
import type { EgressRule } from '../config.ts';
import type { Openings } from './openings.ts';

export interface RuleInput {
  readonly table: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly egressAllow: readonly EgressRule[];
  readonly nameservers: readonly string[];
  /** Networks of this machine, e.g. `192.0.2.0/24`. They are not the internet, so they are closed. */
  readonly connected: readonly string[];
  /** What the operator opened with `slipway egress:add`. */
  readonly openings: Openings;
  /** Port of the proxies for requests between nodes; absent: this node has none. */
  readonly meshPort?: number | undefined;
  /** Open flows of one sandbox, of {@link flowsOfOne}. */
  readonly flowsMax: number;
}

/** Public addresses at which a cloud (Azure) returns credentials of the machine. The addresses of other clouds are in the networks below. */
const METADATA = ['168.63.129.16/32'];

/**
 * Loopback, private, shared (CGNAT, and Alibaba's metadata at 100.100.100.200), link-local (metadata of most clouds), protocol assignments
 * (Oracle's metadata at 192.0.0.192), test, multicast, reserved. IPv6 does not leave a sandbox at all.
 */
const NOT_THE_WORLD = [
  ...[
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
  ],
  ...['192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];

/** Open flows of one sandbox. The machine has one table of flows, and a full table stops the network of all programs. */
export const FLOWS_MAX = 4096;
/** On a machine with many sandboxes. An ordinary app has fewer connections of its own; requests to it do not count. */
const FLOWS_LEAST = 256;
/** All sandboxes together. The rest is for requests to apps and for the machine itself. */
const FLOWS_PART_OF_ALL = 3 / 4;

/**
 * An equal share of the table, so that all sandboxes together cannot fill it. Only powers of two: a change of the number reloads the rules, and
 * the count of open flows starts again. Pure.
 */
export function flowsOfOne(tableSize: number, sandboxes: number): number {
  const share = (tableSize * FLOWS_PART_OF_ALL) / Math.max(1, sandboxes);
  return Math.min(FLOWS_MAX, Math.max(FLOWS_LEAST, 2 ** Math.floor(Math.log2(share))));
}
const FLOWS = 'flows4';
const FLEET = 'fleet4';
const SANDBOXES = 'sandboxes4';

/** SMTP from a compromised app gets a server blocked. An egress rule can open it. */
const BLOCKED_TCP_PORTS = [25];

/**
 * Our whole nft table. It is replaced in one transaction, so that there is no moment without rules. Pure.
 * `isolated` ports separate the sandboxes on the bridge. The rule here is a second protection if br_netfilter is on.
 */
export function nftRules(input: RuleInput): string {
  const { table, bridge } = input;
  const accepts = acceptsOf(input);
  const bridgeName = `"${bridge}"`;
  const flowLimit = `    meta nfproto ipv4 add @${FLOWS} { ip saddr ct count over ${String(input.flowsMax)} } jump refuse`;
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    '  set closed4 {',
    '    type ipv4_addr; flags interval; auto-merge',
    `    elements = { ${[...NOT_THE_WORLD, ...METADATA, ...input.connected].join(', ')} }`,
    '  }',
    '  set never4 {',
    '    type ipv4_addr; flags interval; auto-merge',
    `    elements = { ${NEVER_OPENED.join(', ')} }`,
    '  }',
    ...openingSets(input.openings),
    `  set ${FLOWS} { type ipv4_addr; size 65535; flags dynamic; }`,
    // a TCP client gives up immediately at a reset, but only after its second attempt (a second later) at an ICMP error
    '  chain refuse {',
    '    meta l4proto tcp reject with tcp reset',
    '    reject with icmpx type admin-prohibited',
    '  }',
    '  chain from_sandbox {',
    '    ct state established,related accept',
    flowLimit,
    '    meta nfproto ipv6 jump refuse',
    `    oifname ${bridgeName} drop`,
    ...accepts.map((rule) => `    ${rule}`),
    '    ip daddr @closed4 jump refuse',
    `    tcp dport { ${BLOCKED_TCP_PORTS.join(', ')} } jump refuse`,
    '    accept',
    '  }',
    '  chain to_host {',
    '    ct state established,related accept',
    flowLimit,
    ...accepts.map((rule) => `    ${rule}`),
    '    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
    '    jump refuse',
    '  }',
    '  chain forward {',
    '    type filter hook forward priority -10; policy accept;',
    `    iifname ${bridgeName} jump from_sandbox`,
    `    iifname != ${bridgeName} oifname ${bridgeName} ct state established,related accept`,
    `    iifname != ${bridgeName} oifname ${bridgeName} drop`,
    '  }',
    '  chain input {',
    '    type filter hook input priority -10; policy accept;',
    `    iifname ${bridgeName} jump to_host`,
    '  }',
    '  chain postrouting {',
    '    type nat hook postrouting priority 100; policy accept;',
    `    ip saddr ${input.subnet} oifname != ${bridgeName} masquerade`,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** Makes the table's sets those of other openings, in one transaction. Open connections and counted flows stay. Pure. */
export function nftOpenings({ table, openings: { fleet, sandboxes } }: Pick<RuleInput, 'table' | 'openings'>): string {
  const sets: readonly (readonly [string, readonly string[]])[] = [
    [FLEET, fleet],
    [SANDBOXES, sandboxes.map(elementOf)],
  ];
  const lines = sets.flatMap(([set, elements]) => [
    `flush set inet ${table} ${set}`,
    ...(elements.length === 0 ? [] : [`add element inet ${table} ${set} { ${elements.join(', ')} }`]),
  ]);
  return `${lines.join('\n')}\n`;
}

function openingSets({ fleet, sandboxes }: Openings): string[] {
  const elements = (list: readonly string[]): string[] =>
    list.length === 0 ? [] : [`    elements = { ${list.join(', ')} }`];
  return [
    ...[`  set ${FLEET} {`, '    type ipv4_addr; flags interval', ...elements(fleet), '  }'],
    ...[
      `  set ${SANDBOXES} {`,
      '    type ipv4_addr . ipv4_addr; flags interval',
      ...elements(sandboxes.map(elementOf)),
      '  }',
    ],
  ];
}

function elementOf({ address, cidr }: Openings['sandboxes'][number]): string {
  return `${address} . ${cidr}`;
}

const NEVER_RULES = ['ip daddr @never4 jump refuse'];

/** A large network that is opened may contain the sandboxes' own network, and the nodes with their ports for each other. */
function ownNetworkRules({ subnet, meshPort }: RuleInput): string[] {
  const mesh = meshPort === undefined ? [] : [`ip daddr @closed4 tcp dport ${String(meshPort)} jump refuse`];
  return [`ip daddr ${subnet} jump refuse`, ...mesh];
}

/** Exceptions to the closed networks, in the order in which the kernel reads them. */
function acceptsOf(input: RuleInput): string[] {
  const [addresses, networks] = [
    input.egressAllow.filter(isOneAddress),
    input.egressAllow.filter((rule) => !isOneAddress(rule)),
  ];
  return [
    ...input.nameservers.map((server) => ({ cidr: `${server}/32`, port: 53 })).flatMap(acceptRules),
    ...NEVER_RULES,
    ...addresses.flatMap(acceptRules),
    ...ownNetworkRules(input),
    ...networks.flatMap(acceptRules),
    ...OPENING_RULES,
  ];
}

/** The machine's own configuration may open one address of the sandboxes' network: the bridge's, for a package registry on this node. */
function isOneAddress({ cidr }: EgressRule): boolean {
  return !cidr.includes('/') || cidr.endsWith('/32');
}

const OPENING_RULES = [`ip daddr @${FLEET} accept`, `ip saddr . ip daddr @${SANDBOXES} accept`];

/** A listing of the table without the counted flows, because they change all the time. */
export function lastingRules(listing: string): string {
  return listing.replace(new RegExp(`\\tset ${FLOWS} \\{[^]*?\\n\\t\\}\\n`), '');
}

function acceptRules(rule: EgressRule): string[] {
  if (rule.port === undefined) return [`ip daddr ${rule.cidr} accept`];
  return ['tcp', 'udp'].map((protocol) => `ip daddr ${rule.cidr} ${protocol} dport ${String(rule.port)} accept`);
}
