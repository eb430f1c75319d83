import { followStatus } from '../follow-status.ts';
import { answerLines } from '../ndjson.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { describeNodes, readStatus } from '../fleet-status.ts';
import { SharedReads } from '../shared-reads.ts';
import type { User } from '../../domain/users.ts';
import type { StatusBody } from '../../../shared/api/observe.ts';
import { userRoute, type Route } from '../route.ts';

export function fleetRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  const startedAtMs = deps.clock.monotonicMs();
  const statusReads = new SharedReads((user: User) => readStatus(config, deps, { user, startedAtMs }));
  return [
    userRoute('listNodes', {
      auth: 'user',
      action: 'fleet.read',
      handle: async () => describeNodes(deps, await deps.store.nodes()),
    }),
    userRoute('showStatus', {
      auth: 'user',
      action: 'fleet.read',
      handle: async ({ user, query: { follow }, reply, signal }) => {
        const read = (): Promise<StatusBody> => statusReads.read(user);
        return follow
          ? answerLines(followStatus(deps, read, signal), { reply, clock: deps.clock, signal })
          : await read();
      },
    }),
  ];
}
