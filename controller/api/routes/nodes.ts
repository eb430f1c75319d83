import type { ApiDeps } from '../deps.ts';
import type { NodeInfoBody } from '../../../shared/api/nodes.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import type { User } from '../../domain/users.ts';
import { viewNodeInfo } from '../operation-views.ts';
import { describeNode, findNode, labelNode, removeNode, setLostAfter } from '../operations/nodes.ts';
import { appRoute, userRoute, type Route } from '../route.ts';

/** What an operator does with nodes, and how long apps wait for them. */
export function nodeRoutes(deps: ApiDeps): readonly Route[] {
  return [info(deps), ...cordons(deps), drain(deps), label(deps), remove(deps), ...lostAfter(deps), ...rebalance(deps)];
}

async function nodeInfo(deps: ApiDeps, node: NodeRow, user: User): Promise<NodeInfoBody> {
  return viewNodeInfo(await describeNode(deps, node, user), deps);
}

function info(deps: ApiDeps): Route {
  return userRoute('showNode', {
    auth: 'user',
    action: 'fleet.read',
    handle: async ({ user, params }) => nodeInfo(deps, await findNode(deps, params.node), user),
  });
}

function cordons(deps: ApiDeps): readonly Route[] {
  return [
    userRoute('cordonNode', {
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, params }) =>
        nodeInfo(deps, await deps.movement.nodes.cordon(await findNode(deps, params.node), user.name), user),
    }),
    userRoute('uncordonNode', {
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, params }) =>
        nodeInfo(deps, await deps.movement.nodes.uncordon(await findNode(deps, params.node), user.name), user),
    }),
  ];
}

function drain(deps: ApiDeps): Route {
  return userRoute('drainNode', {
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ user, params, body }) => {
      const node = await findNode(deps, params.node);
      return nodeInfo(deps, await deps.movement.nodes.drain(node, body.deadlineMs, user.name), user);
    },
  });
}

function label(deps: ApiDeps): Route {
  return userRoute('labelNode', {
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ user, params, body }) => {
      const node = await findNode(deps, params.node);
      return nodeInfo(deps, await labelNode(deps, { node, labels: body.labels, user }), user);
    },
  });
}

function remove(deps: ApiDeps): Route {
  return userRoute('removeNode', {
    auth: 'admin',
    action: 'node.manage',
    handle: async ({ user, params, query }) => {
      const node = await findNode(deps, params.node);
      await removeNode(deps, { node, force: query.force === 'true', user });
      return undefined;
    },
  });
}

function lostAfter(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('showLostAfter', {
      auth: 'user',
      action: 'app.read',
      handle: ({ app }) => Promise.resolve({ lostAfterMs: app.lostAfterMs, defaultMs: deps.movement.lostAfterMs }),
    }),
    appRoute('setLostAfter', {
      auth: 'user',
      action: 'app.write',
      handle: ({ app, user, body }) => setLostAfter(deps, { app, user, value: body.lostAfterMs }),
    }),
  ];
}

function rebalance({ movement }: ApiDeps): readonly Route[] {
  return [
    userRoute('planRebalance', {
      auth: 'admin',
      action: 'node.manage',
      handle: async () => {
        const { running, progress } = movement.rebalance;
        return { running, moves: running ? progress : await movement.rebalance.plan() };
      },
    }),
    userRoute('showRebalanceProgress', {
      auth: 'admin',
      action: 'node.manage',
      handle: () => Promise.resolve({ running: movement.rebalance.running, moves: movement.rebalance.progress }),
    }),
    userRoute('startRebalance', {
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user }) => ({ running: true, moves: await movement.rebalance.start(user.name) }),
    }),
  ];
}
