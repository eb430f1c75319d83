import { z } from 'zod';
import type { NodeInfoBody, PlacedBody, RebalanceBody } from '../../../shared/api/nodes.ts';
import { MIN_LOST_AFTER_MS } from '../../../shared/domain/lost-after.ts';
import { instanceName } from '../../../shared/domain/assignment.ts';
import type { NodeId } from '../../../shared/domain/ids.ts';
import { parseNodeName } from '../../../shared/domain/names.ts';
import { parseLabelName, parseLabelValue } from '../../../shared/domain/placement.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { AssignmentRow } from '../../domain/assignments.ts';
import type { NodeRow } from '../../domain/nodes.ts';
import type { User } from '../../domain/users.ts';
import { notFound } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { revokeNode } from '../revoke-node.ts';
import { appRoute, userRoute, type Route } from '../route.ts';
import { viewNode } from '../views.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const drainBody = z.strictObject({
  deadlineMs: z
    .number()
    .int()
    .min(1_000)
    .max(7 * DAY_MS)
    .default(10 * MINUTE_MS),
});
const labelsBody = z.strictObject({ labels: z.record(z.string(), z.string().nullable()) });
const removeQuery = z.strictObject({ force: z.enum(['true', 'false']).default('false') });
const lostAfterBody = z.strictObject({
  lostAfterMs: z.union([
    z
      .number()
      .int()
      .min(MIN_LOST_AFTER_MS)
      .max(30 * DAY_MS),
    z.literal('never'),
    z.null(),
  ]),
});

/** What an operator does with nodes, and how long apps wait for them. */
export function nodeRoutes(deps: ApiDeps): readonly Route[] {
  return [info(deps), ...cordons(deps), drain(deps), label(deps), remove(deps), ...lostAfter(deps), ...rebalance(deps)];
}

function info(deps: ApiDeps): Route {
  return userRoute({
    method: 'GET',
    url: '/nodes/:node',
    auth: 'user',
    action: 'fleet.read',
    handle: async ({ user, params }) => describe(deps, await findNode(deps, params['node']), user),
  });
}

function cordons(deps: ApiDeps): readonly Route[] {
  return (['cordon', 'uncordon'] as const).map((what) =>
    userRoute({
      method: 'POST',
      url: `/nodes/:node/${what}`,
      auth: 'admin',
      action: 'node.manage',
      handle: async ({ user, params }) => {
        const node = await findNode(deps, params['node']);
        return describe(deps, await deps.movement.nodes[what](node, user.name), user);
      },
    }),
  );
}

function drain(deps: ApiDeps): Route {
  return userRoute({
    method: 'POST',
    url: '/nodes/:node/drain',
    auth: 'admin',
    action: 'node.manage',
    body: drainBody,
    handle: async ({ user, params, body }) => {
      const node = await findNode(deps, params['node']);
      return describe(deps, await deps.movement.nodes.drain(node, body.deadlineMs, user.name), user);
    },
  });
}

function label(deps: ApiDeps): Route {
  return userRoute({
    method: 'PATCH',
    url: '/nodes/:node/labels',
    auth: 'admin',
    action: 'node.manage',
    body: labelsBody,
    handle: async ({ user, params, body }) => {
      const node = await findNode(deps, params['node']);
      for (const [name, value] of Object.entries(body.labels)) {
        parseLabelName(name);
        if (value !== null) parseLabelValue(value);
      }
      return describe(deps, await deps.movement.nodes.label(node, body.labels, user.name), user);
    },
  });
}

function remove(deps: ApiDeps): Route {
  return userRoute({
    method: 'DELETE',
    url: '/nodes/:node',
    auth: 'admin',
    action: 'node.manage',
    query: removeQuery,
    handle: async ({ user, params, query }) => {
      const node = await findNode(deps, params['node']);
      await deps.movement.nodes.remove(node, query.force === 'true', user.name);
      await revokeNode(deps, node, user.name);
      return undefined;
    },
  });
}

function lostAfter({ store, movement, log }: ApiDeps): readonly Route[] {
  return [
    appRoute({
      method: 'GET',
      url: '/apps/:app/lost-after',
      auth: 'user',
      action: 'app.read',
      handle: ({ app }) => Promise.resolve({ lostAfterMs: app.lostAfterMs, defaultMs: movement.lostAfterMs }),
    }),
    appRoute({
      method: 'PUT',
      url: '/apps/:app/lost-after',
      auth: 'user',
      action: 'app.write',
      body: lostAfterBody,
      handle: async ({ app, user, body }) => {
        const lostAfterMs = body.lostAfterMs ?? undefined;
        await store.setLostAfter(app.id, lostAfterMs);
        movement.wake(app.id);
        log.info({ app: app.name, by: user.name, lostAfterMs: String(lostAfterMs) }, 'app.lost_after_changed');
        const event = {
          kind: 'app.lost-after',
          actor: user.name,
          app: app.name,
          next: `slipway apps:lost-after -a ${app.name}`,
        };
        noteEvent({ store, log }, { ...event, message: sayPatience(lostAfterMs, movement.lostAfterMs) });
        return { lostAfterMs, defaultMs: movement.lostAfterMs };
      },
    }),
  ];
}

function sayPatience(lostAfterMs: number | 'never' | undefined, defaultMs: number): string {
  if (lostAfterMs === 'never') return 'Instances stay with their node however long it is silent.';
  const seconds = String(Math.round((lostAfterMs ?? defaultMs) / 1000));
  return `Instances are started elsewhere when their node has been silent for ${seconds} s.`;
}

function rebalance({ movement }: ApiDeps): readonly Route[] {
  const access = { auth: 'admin', action: 'node.manage' } as const;
  return [
    userRoute({
      ...{ method: 'GET', url: '/rebalance', ...access },
      handle: async () => {
        const { running, progress } = movement.rebalance;
        return { running, moves: running ? progress : await movement.rebalance.plan() } satisfies RebalanceBody;
      },
    }),
    userRoute({
      ...{ method: 'GET', url: '/rebalance/progress', ...access },
      handle: () =>
        Promise.resolve({
          running: movement.rebalance.running,
          moves: movement.rebalance.progress,
        } satisfies RebalanceBody),
    }),
    userRoute({
      ...{ method: 'POST', url: '/rebalance', ...access },
      handle: async ({ user }) =>
        ({ running: true, moves: await movement.rebalance.start(user.name) }) satisfies RebalanceBody,
    }),
  ];
}

/** Instances of apps that the caller may not see are counted and not named. */
async function describe(deps: ApiDeps, node: NodeRow, user: User): Promise<NodeInfoBody> {
  const { store, fleet } = deps;
  const mine = (await store.deployedApps()).filter((app) => user.admin || app.ownerId === user.id);
  const apps = new Map(mine.map((app) => [app.id, app.name as string]));
  const rows = (await store.assignmentsOfNode(node.id)).filter((row) => apps.has(row.appId));
  const copies = await store.copyNodes(rows.map((row) => row.instanceId));
  const placed = rows.map((row) =>
    placedBody(deps, row, { app: apps.get(row.appId) ?? '', copyNode: copies.get(row.instanceId) }),
  );
  const { drainUntilMs } = node;
  return { ...viewNode(node, fleet.node(node.id), deps), drainUntilMs, placed };
}

function placedBody(
  { fleet, movement }: ApiDeps,
  row: AssignmentRow,
  { app, copyNode }: { readonly app: string; readonly copyNode: NodeId | undefined },
): PlacedBody {
  const connected = fleet.node(row.nodeId)?.connected === true;
  return {
    ...{ app, name: instanceName(row), release: row.release, desired: row.desired },
    state: connected ? (fleet.status(row.instanceId)?.state ?? 'pending') : 'unknown',
    movingTo: copyNode === undefined ? undefined : fleet.node(copyNode)?.name,
    waits: movement.blockedBecause(row.instanceId),
  };
}

async function findNode({ store }: ApiDeps, name: string | undefined): Promise<NodeRow> {
  const node = await store.nodeByName(parseNodeName(name ?? ''));
  if (node === undefined) throw notFound('node');
  return node;
}
