import { z } from 'zod';
import { netnsName, type NetworkNames } from './plan.ts';

/** A virtual cable's end on this machine. */
export interface Cable {
  readonly name: string;
  /** Where its other end is. */
  readonly netns: string | undefined;
  readonly bridge: string | undefined;
  readonly isolated: boolean;
  readonly up: boolean;
}

export type Repair =
  /** The namespace lives, because processes are in it, but has lost its name. */
  | { readonly kind: 'name'; readonly netns: string }
  /** There is no cable any more. */
  | { readonly kind: 'connect'; readonly slot: number; readonly netns: string }
  /** The cable's end is not where it belongs. */
  | { readonly kind: 'plug'; readonly cable: string };

export interface Seen {
  /** Slots whose namespace should be whole. */
  readonly slots: readonly number[];
  readonly namespaces: ReadonlySet<string>;
  readonly cables: readonly Cable[];
}

/** What somebody has taken from the sandboxes' network. Pure. */
export function planRepairs(names: NetworkNames, seen: Seen): Repair[] {
  const cables = new Map(seen.cables.filter((cable) => cable.netns !== undefined).map((cable) => [cable.netns, cable]));
  return seen.slots.flatMap((slot): Repair[] => {
    const netns = netnsName(names, slot);
    if (!seen.namespaces.has(netns)) return [{ kind: 'name', netns }];
    const cable = cables.get(netns);
    if (cable === undefined) return [{ kind: 'connect', slot, netns }];
    const isWhole = cable.bridge === names.bridge && cable.isolated && cable.up;
    return isWhole ? [] : [{ kind: 'plug', cable: cable.name }];
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

/** The answer of `ip -json -details link show type veth`: those whose names are ours. Pure. */
export function parseCables(json: string, bridge: string): Cable[] {
  return linksSchema
    .parse(JSON.parse(json === '' ? '[]' : json))
    .filter((link) => link.ifname.startsWith(`${bridge}-`))
    .map((link) => ({
      name: link.ifname,
      netns: link.ifalias,
      bridge: link.master,
      isolated: link.linkinfo?.info_slave_data?.isolated === true,
      up: link.flags.includes('UP'),
    }));
}
