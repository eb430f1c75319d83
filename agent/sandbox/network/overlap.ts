import { SlipwayError } from '../../../shared/kit/errors.ts';
import { addressAt, parseCidr, type Cidr } from '../config.ts';
import type { NetworkNames } from './plan.ts';

type Interfaces = Readonly<
  Record<string, readonly { readonly family: string; readonly cidr: string | null }[] | undefined>
>;

export interface OtherBridge {
  readonly bridge: string;
  readonly cidr: string;
}

/** The bridge of another agent whose network overlaps ours. An app there would have the address of an app here. Pure. */
export function overlappingBridge(
  names: NetworkNames,
  interfaces: Interfaces,
  isAgentBridge: (name: string) => boolean,
): OtherBridge | undefined {
  for (const [bridge, entries] of Object.entries(interfaces)) {
    if (bridge === names.bridge || !isAgentBridge(bridge)) continue;
    for (const { family, cidr } of entries ?? []) {
      const other = family === 'IPv4' && cidr !== null ? parseCidr(cidr) : undefined;
      if (other !== undefined && overlap(names.subnet, other)) return { bridge, cidr: textOf(other) };
    }
  }
  return undefined;
}

function overlap(one: Cidr, other: Cidr): boolean {
  const size = 2 ** (32 - Math.min(one.prefix, other.prefix));
  return Math.floor(one.base / size) === Math.floor(other.base / size);
}

function textOf({ base, prefix }: Cidr): string {
  return `${addressAt({ base, prefix }, 0)}/${String(prefix)}`;
}

export function subnetTaken(subnet: Cidr, { bridge, cidr }: OtherBridge): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_AGENT_SUBNET_TAKEN',
    kind: 'conflict',
    message: `The sandbox network ${textOf(subnet)} overlaps ${cidr}, which another agent on this machine uses on its bridge ${bridge}.`,
    hint: 'Give this agent its own "network.subnet" in its configuration. If the other agent is not used any more, run its command remove first.',
  });
}
