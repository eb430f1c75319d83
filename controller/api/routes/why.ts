import { SlipwayError } from '../../../shared/kit/errors.ts';
import { whyApp } from '../../observe/why/why-app.ts';
import { whyInstance } from '../../observe/why/why-instance.ts';
import { whyNode } from '../../observe/why/why-node.ts';
import { notFound } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { appRoute, userRoute, type Route } from '../route.ts';
import { commandsOnNode } from '../running-commands.ts';
import { appWhyFacts, nodeFacts } from '../why-facts.ts';

/** Explains the state of an app, an instance or a node, in the same words for people and programs. */
export function whyRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('whyApp', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, query: { instance } }) => {
        const facts = await appWhyFacts(deps, app);
        return instance === undefined
          ? whyApp(facts)
          : (whyInstance(facts, instance) ?? noInstance(app.name, instance));
      },
    }),
    userRoute('whyNode', {
      auth: 'user',
      action: 'fleet.read',
      handle: async ({ params, user }) => {
        const row = (await deps.store.nodes()).find((node) => node.name === params.node);
        if (row === undefined) throw notFound('node');
        const rows = await deps.store.assignmentsOfNode(row.id);
        const [facts] = nodeFacts(deps, [row], { rows, commands: await commandsOnNode(deps, row.id, user) });
        if (facts === undefined) throw notFound('node');
        return whyNode(facts, deps.clock.nowMs());
      },
    }),
  ];
}

function noInstance(app: string, instance: string): never {
  throw new SlipwayError({
    code: 'SLIP_INSTANCE_NOT_FOUND',
    httpStatus: 404,
    message: `${app} has no instance ${instance}.`,
    hint: `See its instances with: slipway ps -a ${app}`,
  });
}
