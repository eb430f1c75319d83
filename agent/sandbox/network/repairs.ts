import { z } from 'zod';
import { netnsName, slotAddress, type NetworkNames } from './plan.ts';

/** The host end of a veth pair. */
export interface Cable {
  readonly name: string;
  /** The namespace of its other end. */
  readonly netns: string | undefined;
  readonly bridge: string | undefined;
  readonly isolated: boolean;
  readonly up: boolean;
}

export type Repair =
  /** The namespace exists, because processes use it, but its name was removed. */
  | { readonly kind: 'name'; readonly netns: string }
  /** The veth pair was removed. */
  | { readonly kind: 'connect'; readonly slot: number; readonly netns: string }
  /** The host end is not attached to the bridge correctly. */
  | { readonly kind: 'plug'; readonly cable: string }
  /** The host has no permanent neighbour entry for the address. */
  | { readonly kind: 'neighbour'; readonly slot: number };

export interface Seen {
  /** Slots whose namespace must be complete. */
  readonly slots: readonly number[];
  readonly namespaces: ReadonlySet<string>;
  readonly cables: readonly Cable[];
  /** Addresses of the host's permanent neighbours on the bridge. */
  readonly neighbours: ReadonlySet<string>;
}

/** The missing parts of the sandbox networks. Pure. */
export function planRepairs(names: NetworkNames, seen: Seen): Repair[] {
  const cables = new Map(seen.cables.filter((cable) => cable.netns !== undefined).map((cable) => [cable.netns, cable]));
  return seen.slots.flatMap((slot): Repair[] => {
    const netns = netnsName(names, slot);
    if (!seen.namespaces.has(netns)) return [{ kind: 'name', netns }];
    const cable = cables.get(netns);
    if (cable === undefined) return [{ kind: 'connect', slot, netns }];
    const isWhole = cable.bridge === names.bridge && cable.isolated && cable.up;
    const plug: Repair[] = isWhole ? [] : [{ kind: 'plug', cable: cable.name }];
    return seen.neighbours.has(slotAddress(names, slot)) ? plug : [...plug, { kind: 'neighbour', slot }];
  });
}

const linksSchema = z.array(
  z.object({
    ifname: z.string().default(''),
    flags: z.array(z.string()).default([]),
    master: z.string().optional(),
    ifalias: z.string().optional(),
    linkinfo: z.object({ info_slave_data: z.object({ isolated: z.boolean().optional() }).optional() }).optional(),
  }),
);

const neighboursSchema = z.array(z.object({ dst: z.string().default('') }));

/** What {@link parseLinks} reads, as lines of one `ip -json -details -batch`. Pure. */
export function linksBatch(bridge: string): string[] {
  return ['link show type veth', `neigh show dev ${bridge} nud permanent`];
}

/** The cables with our names, and the host's permanent neighbours. Each line is one list; an empty answer has no lines. Pure. */
export function parseLinks(json: string, bridge: string): Pick<Seen, 'cables' | 'neighbours'> {
  const [links = [], neighbours = []] = json
    .split('\n')
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line));
  return {
    cables: cablesOf(links, bridge),
    neighbours: new Set(neighboursSchema.parse(neighbours).map((entry) => entry.dst)),
  };
}

function cablesOf(links: unknown, bridge: string): Cable[] {
  return linksSchema
    .parse(links)
    .filter((link) => link.ifname.startsWith(`${bridge}-`))
    .map((link) => ({
      name: link.ifname,
      netns: link.ifalias,
      bridge: link.master,
      isolated: link.linkinfo?.info_slave_data?.isolated === true,
      up: link.flags.includes('UP'),
    }));
}
