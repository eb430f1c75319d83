import { withoutNested, type EgressTable } from '../../../shared/domain/egress.ts';

/** Networks that the packet filter opens now. */
export interface Openings {
  /** Networks for every sandbox. */
  readonly fleet: readonly string[];
  /** Networks for one sandbox each. */
  readonly sandboxes: readonly { readonly address: string; readonly cidr: string }[];
}

/** Address of a sandbox with internet access → first user id of its app. */
export type Tenants = ReadonlyMap<string, number>;

/** Applies the table to the sandboxes of this machine. Pure; the order of the input does not matter. */
export function planOpenings(table: EgressTable, tenants: Tenants): Openings {
  const lists = new Map(table.apps.map(({ uidBase, cidrs }) => [uidBase, withoutNested(cidrs)]));
  const sandboxes = [...tenants].flatMap(([address, uidBase]) =>
    (lists.get(uidBase) ?? []).map((cidr) => ({ address, cidr })),
  );
  return { fleet: withoutNested(table.fleet), sandboxes: sandboxes.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) };
}

function keyOf({ address, cidr }: { readonly address: string; readonly cidr: string }): string {
  return `${address} ${cidr}`;
}
