import { z } from 'zod';
import type { BuildersBody } from '../../../shared/api/builds.ts';
import {
  parseLabelName,
  parseLabelValue,
  sayWhoBuilds,
  type RequiredLabels,
} from '../../../shared/domain/placement.ts';
import type { BuilderPool } from '../../build/builder-pool.ts';
import type { LiveNode } from '../../dispatch/port.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';

const MAX_LABELS = 20;
const rule = z.strictObject({
  require: z
    .record(z.string().max(100), z.string().max(100))
    .refine((labels) => Object.keys(labels).length <= MAX_LABELS),
});

/** Which nodes are given builds. */
export function builderRoutes(deps: ApiDeps): readonly Route[] {
  const { builderPool, store, log } = deps;
  return [
    userRoute({
      method: 'GET',
      url: '/builders',
      auth: 'user',
      action: 'fleet.read',
      handle: () => Promise.resolve(describe(deps)),
    }),
    userRoute({
      method: 'PUT',
      url: '/builders',
      auth: 'admin',
      action: 'node.manage',
      body: rule,
      handle: async ({ user, body }) => {
        const required = Object.entries(body.require).map(([label, value]) => [
          parseLabelName(label),
          parseLabelValue(value),
        ]);
        await builderPool.require(Object.fromEntries(required) as RequiredLabels);
        const event = { kind: 'builders.set', actor: user.name, next: 'slipway builders' };
        noteEvent({ store, log }, { ...event, message: sayWhoBuilds(builderPool.required) });
        return describe(deps);
      },
    }),
  ];
}

function describe({ builderPool, fleet }: ApiDeps): BuildersBody {
  const nodes = fleet.nodes().map((node) => ({ name: node.name, whyNot: whyNot(node, builderPool) }));
  return { require: builderPool.required, nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function whyNot(node: LiveNode, pool: BuilderPool): string | undefined {
  if (!node.connected) return 'it is not connected';
  if (!node.builder) return 'its agent.json says "builder": false';
  return pool.whyNot(node);
}
