import { z } from 'zod';
import type { CeilingsBody } from '../../../shared/api/formation.ts';
import { checkCeilingChange, CEILING_NAMES, sayCeiling } from '../../../shared/domain/ceilings.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';

const number = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).nullable().optional();
/** `null`: the default again. */
const changesBody = z
  .strictObject({ memoryBytes: number, pidsMax: number, diskBytes: number })
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), 'at least one ceiling is needed');

/** What `ps:limits` may give at most. */
export function ceilingRoutes({ store, log }: ApiDeps): readonly Route[] {
  return [
    userRoute({
      method: 'GET',
      url: '/limits',
      auth: 'user',
      action: 'fleet.read',
      handle: async (): Promise<CeilingsBody> => ({ ceilings: await store.limitCeilings() }),
    }),
    userRoute({
      method: 'PATCH',
      url: '/limits',
      auth: 'admin',
      action: 'node.manage',
      body: changesBody,
      handle: async ({ user, body }): Promise<CeilingsBody> => {
        checkCeilingChange(body);
        const ceilings = await store.setLimitCeilings(body);
        const [memory, pids, disk] = CEILING_NAMES.map((name) => sayCeiling(name, ceilings[name]));
        const message = `An instance may have at most ${String(memory)} of memory, ${String(pids)} processes and ${String(disk)} of disk.`;
        noteEvent({ store, log }, { kind: 'limits.ceilings', actor: user.name, next: 'slipway limits', message });
        return { ceilings };
      },
    }),
  ];
}
