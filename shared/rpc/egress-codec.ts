import { z } from 'zod';
import { EGRESS_TOTAL_MAX, parseEgressCidr, type EgressTable } from '../domain/egress.ts';
import * as field from './fields.ts';
import type { EgressTable as WireEgressTable } from './gen/slipway/v1/EgressTable.ts';

/** Leaves out a network that this version does not allow. */
const cidrs = z
  .array(z.string().max(64))
  .max(EGRESS_TOTAL_MAX)
  .transform((list) => list.filter(isAllowed));

/** On the wire, and on the disk of an agent. */
export const egressTable: z.ZodType<EgressTable> = z.object({
  fleet: cidrs,
  apps: z.array(z.object({ app: field.appName, uidBase: z.number().int().positive(), cidrs })).max(EGRESS_TOTAL_MAX),
});

export function encodeEgress({ fleet, apps }: EgressTable): WireEgressTable {
  return { fleet: [...fleet], apps: apps.map(({ app, uidBase, cidrs }) => ({ app, uidBase, cidrs: [...cidrs] })) };
}

function isAllowed(text: string): boolean {
  try {
    return parseEgressCidr(text) === text;
  } catch {
    return false;
  }
}
